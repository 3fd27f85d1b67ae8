using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sidecar.FunctionalTests.Infrastructure.Network;

/// <summary>
/// A DNS server over UDP with one zone, which the test changes while it runs. A name without any record is NXDOMAIN.
/// </summary>
internal sealed class DnsServer : IAsyncDisposable
{
    private const int HeaderBytes = 12;
    private const int NameError = 3;
    private const int ServerFailure = 2;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _serving;
    private volatile DnsRecord[] _records = [];
    private DnsRecord[]? _next;
    private volatile bool _fails;
    private int _answered;

    public DnsServer()
        : this(new IPEndPoint(IPAddress.Loopback, 0))
    {
    }

    /// <summary>For clients that can be told an address only, and no port.</summary>
    public DnsServer(IPEndPoint address)
    {
        _socket.Bind(address);
        Address = ((IPEndPoint)_socket.LocalEndPoint!).ToString();
        _serving = ServeAsync();
    }

    public string Address { get; }

    /// <summary>Answers SERVFAIL to everything.</summary>
    public bool Fails
    {
        get => _fails;
        set => _fails = value;
    }

    /// <summary>The whole zone from now on.</summary>
    public void Set(params IEnumerable<DnsRecord> records) => _records = [.. records];

    /// <summary>The whole zone after the next answer with a record.</summary>
    public void SetNext(params IEnumerable<DnsRecord> records) => Volatile.Write(ref _next, [.. records]);

    /// <summary>Waits until so many more questions were answered.</summary>
    public async Task AnsweredAsync(int more, CancellationToken cancellationToken)
    {
        var wanted = Volatile.Read(ref _answered) + more;
        while (Volatile.Read(ref _answered) < wanted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Cluster.BetweenLooks();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _serving;
        _socket.Dispose();
        _closing.Dispose();
    }

    private async Task ServeAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var from = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _closing.Token);
                await _socket.SendToAsync(Answer(buffer.AsSpan(0, from.ReceivedBytes)), from.RemoteEndPoint, _closing.Token);
                Interlocked.Increment(ref _answered);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private byte[] Answer(ReadOnlySpan<byte> query)
    {
        var (name, end) = ReadName(query);
        var type = BinaryPrimitives.ReadUInt16BigEndian(query[end..]);
        var zone = _records;
        var named = zone.Where(record => record.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).ToList();
        var answers = Fails ? [] : named.Where(record => record.Type == type).ToList();
        if (answers.Count > 0 && Interlocked.Exchange(ref _next, null) is { } next) _records = next;
        var targets = answers.Select(answer => answer.Target).ToHashSet();
        var additional = zone.Where(record => targets.Contains(record.Name)).ToList();
        var header = query[..HeaderBytes].ToArray();
        header[2] = 0x85; // an answer with authority, recursion was asked for
        header[3] = (byte)(Fails ? ServerFailure : named.Count == 0 ? NameError : 0);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(6), (ushort)answers.Count);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(8), 0);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), (ushort)additional.Count);
        var question = query[HeaderBytes..(end + 4)].ToArray();
        return [.. header, .. question, .. answers.Concat(additional).SelectMany(record => record.ToWire())];
    }

    private static (string Name, int End) ReadName(ReadOnlySpan<byte> query)
    {
        var labels = new StringBuilder();
        var at = HeaderBytes;
        for (; query[at] != 0; at += query[at] + 1)
        {
            labels.Append(CultureInfo.InvariantCulture, $"{Encoding.ASCII.GetString(query.Slice(at + 1, query[at]))}.");
        }

        return (labels.ToString().TrimEnd('.'), at + 1);
    }
}
