using System.Net.Sockets;

namespace Stagectl.Tests.Harness;

/// <summary>
/// A connection to the daemon that the test holds in its hand: it can stop passing bytes on after so many of them, and
/// flip a bit of one. Both faults happen once; what comes later is passed on as it is.
/// </summary>
internal sealed class Wire : IAsyncDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly string _daemon;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;
    private long _holdAfter = long.MaxValue;
    private long _flipUpAt = long.MaxValue;
    private long _flipDownAt = long.MaxValue;
    private long _up;
    private long _down;

    public Wire(string path, string daemon)
    {
        _daemon = daemon;
        Address = "unix:" + path;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public string Address { get; }

    public bool Flipped { get; private set; }

    /// <summary>Passes so many bytes on to the daemon, and no more until <see cref="Release"/>.</summary>
    public void HoldAfter(long bytes) => _holdAfter = bytes;

    public void Release()
    {
        _holdAfter = long.MaxValue;
        _released.TrySetResult();
    }

    public void FlipBitToDaemon(long at) => _flipUpAt = at;

    public void FlipBitFromDaemon(long at) => _flipDownAt = at;

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
            while (true) _connections.Add(ServeAsync(await _listener.AcceptAsync(_closing.Token)));
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var daemon = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (client)
        {
            using var broken = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            try
            {
                await daemon.ConnectAsync(new UnixDomainSocketEndPoint(_daemon), broken.Token);
                var up = PumpAsync(client, daemon, UpAsync, broken.Token);
                var down = PumpAsync(daemon, client, DownAsync, broken.Token);
                await Task.WhenAny(up, down);
                await broken.CancelAsync(); // one side is gone: so is the connection
                await Task.WhenAll(up, down);
            }
            catch (Exception end) when (end is OperationCanceledException or SocketException)
            {
                // As wires do.
            }
        }
    }

    private static async Task PumpAsync(
        Socket from, Socket to, Func<Memory<byte>, Task> pass, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferBytes];
        while (true)
        {
            var read = await from.ReceiveAsync(buffer, cancellationToken);
            if (read == 0) return;
            await pass(buffer.AsMemory(0, read)).WaitAsync(cancellationToken);
            await to.SendAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }

    private Task UpAsync(Memory<byte> bytes)
    {
        Flip(bytes.Span, ref _up, ref _flipUpAt);
        return _up > _holdAfter ? _released.Task : Task.CompletedTask;
    }

    private Task DownAsync(Memory<byte> bytes)
    {
        Flip(bytes.Span, ref _down, ref _flipDownAt);
        return Task.CompletedTask;
    }

    private void Flip(Span<byte> bytes, ref long passed, ref long at)
    {
        if (at >= passed && at < passed + bytes.Length)
        {
            bytes[(int)(at - passed)] ^= 1;
            at = long.MaxValue;
            Flipped = true;
        }

        passed += bytes.Length;
    }
}
