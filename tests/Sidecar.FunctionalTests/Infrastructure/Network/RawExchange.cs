using System.Net.Sockets;
using System.Text;

namespace Sidecar.FunctionalTests.Infrastructure.Network;

/// <summary>One end of an HTTP/1.1 connection by hand: what was sent is seen as it was sent.</summary>
internal sealed class RawExchange(Socket socket, CancellationToken deadline) : IDisposable
{
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);
    private byte[] _rest = [];

    /// <summary>Everything up to the empty line, without it.</summary>
    public string Head { get; private set; } = "";

    public string FirstLine => Head.Split("\r\n")[0];

    public static async Task<RawExchange> OpenAsync(Uri address, CancellationToken deadline)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address.Host, address.Port, deadline);
        return new RawExchange(socket, deadline);
    }

    /// <summary>The values of a header, in the order in which they came.</summary>
    public string[] Values(string name) =>
    [
        .. Head.Split("\r\n").Skip(1).Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
            .Select(line => line[(name.Length + 1)..].Trim()),
    ];

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(byte[] bytes) => await _stream.WriteAsync(bytes, deadline);

    /// <summary>Reads the next head; what follows it is left for <see cref="ReadAsync"/>.</summary>
    public async Task<RawExchange> ReadHeadAsync()
    {
        var bytes = new List<byte>(_rest);
        int end;
        while ((end = Encoding.Latin1.GetString([.. bytes]).IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
        {
            var more = await ReceiveAsync();
            if (more.Length == 0) throw new EndOfStreamException($"It ended within a head: {Encoding.Latin1.GetString([.. bytes])}");
            bytes.AddRange(more);
        }

        Head = Encoding.Latin1.GetString([.. bytes[..end]]);
        _rest = [.. bytes[(end + 4)..]];
        return this;
    }

    /// <summary>So many bytes of what follows a head.</summary>
    public async Task<string> ReadAsync(int count)
    {
        while (_rest.Length < count)
        {
            var more = await ReceiveAsync();
            if (more.Length == 0) break;
            _rest = [.. _rest, .. more];
        }

        var read = Encoding.Latin1.GetString(_rest[..Math.Min(count, _rest.Length)]);
        _rest = _rest[read.Length..];
        return read;
    }

    /// <summary>Everything until the other side closes.</summary>
    public Task<string> ReadToEndAsync() => ReadAsync(int.MaxValue);

    /// <summary>The body that the head's Content-Length tells of.</summary>
    public Task<string> ReadBodyAsync() => ReadAsync(int.Parse(Values("Content-Length").Single(), System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Waits until the other side has hung up, whatever it still sends.</summary>
    public async Task HungUpAsync()
    {
        try
        {
            await ReadToEndAsync();
        }
        catch (IOException)
        {
            // A reset is as good.
        }
    }

    /// <summary>It sends nothing more, and can still read.</summary>
    public void FinishSending() => socket.Shutdown(SocketShutdown.Send);

    public void Dispose() => _stream.Dispose();

    private async Task<byte[]> ReceiveAsync()
    {
        var block = new byte[64 << 10];
        return block[..await _stream.ReadAsync(block, deadline)];
    }
}
