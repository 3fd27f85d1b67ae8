using System.Net;
using System.Net.Sockets;

namespace Stagectl.Tests.Harness.Ingest;

/// <summary>
/// A way to the ingest that the test holds in its hand: once it can be cut, or stop passing on, after so many bytes. Later connections
/// pass everything.
/// </summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;
    private TaskCompletionSource _released = new();
    private long _cutAfter = long.MaxValue;
    private long _holdAfter = long.MaxValue;
    private int _losesAnswer;
    private long _up;

    public Relay(Uri target)
    {
        Target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Of connections that are made from now on.</summary>
    public Uri Target { get; set; }

    public Uri Url => new UriBuilder(Target.Scheme, "localhost", ((IPEndPoint)_listener.LocalEndpoint).Port).Uri;

    /// <summary>Bytes that came from the client, over all connections.</summary>
    public long Sent => Volatile.Read(ref _up);

    /// <summary>Resets the connection that takes the count there.</summary>
    public void CutAfter(long bytes) => Volatile.Write(ref _cutAfter, bytes);

    /// <summary>Resets the next connection that a 204 comes over, and keeps it.</summary>
    public void LoseNextAnswer() => Volatile.Write(ref _losesAnswer, 1);

    /// <summary>Passes so many bytes on, and no more until <see cref="Release"/>.</summary>
    public void HoldAfter(long bytes) => Volatile.Write(ref _holdAfter, bytes);

    public void Release()
    {
        Volatile.Write(ref _holdAfter, long.MaxValue);
        _released.TrySetResult();
        _released = new TaskCompletionSource();
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections);
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_closing.Token)));
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            using var broken = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            try
            {
                await server.ConnectAsync(Target.Host, Target.Port, broken.Token);
                var up = PumpAsync(client, server, isUp: true, broken.Token);
                var down = PumpAsync(server, client, isUp: false, broken.Token);
                await Task.WhenAny(up, down);
                await broken.CancelAsync(); // one side is gone: so is the connection
                await Task.WhenAll(up, down);
            }
            catch (Exception end) when (end is OperationCanceledException or SocketException)
            {
                // As connections do.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool isUp, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 << 10];
        while (true)
        {
            var read = await from.ReceiveAsync(buffer, cancellationToken);
            if (read == 0) return;
            if (isUp && !await MayPassAsync(from, to, read, cancellationToken)) return;
            if (!isUp && IsLost(buffer.AsSpan(0, read)))
            {
                Reset(from, to);
                return;
            }

            await to.SendAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }

    private async Task<bool> MayPassAsync(Socket from, Socket to, int count, CancellationToken cancellationToken)
    {
        var sent = Interlocked.Add(ref _up, count);
        if (sent > Volatile.Read(ref _holdAfter)) await _released.Task.WaitAsync(cancellationToken);
        if (sent <= Volatile.Read(ref _cutAfter)) return true;
        CutAfter(long.MaxValue);
        Reset(from, to);
        return false;
    }

    private bool IsLost(ReadOnlySpan<byte> answer) =>
        answer.StartsWith("HTTP/1.1 204 "u8) && Interlocked.Exchange(ref _losesAnswer, 0) == 1;

    // When they are closed: neither side takes it for an end.
    private static void Reset(params Socket[] sockets)
    {
        foreach (var socket in sockets) socket.LingerState = new LingerOption(true, 0);
    }
}
