using System.Net;
using System.Net.Sockets;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>A line to a server, which takes no more than so many bytes until it is opened: a moment in which something can happen.</summary>
internal sealed class Valve : IAsyncDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _server;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _serving;
    private long _left;

    public Valve(IPEndPoint server, long bytes)
    {
        (_server, _left) = (server, bytes);
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Url => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Waits until it takes no more.</summary>
    public Task HeldAsync(CancellationToken deadline) => _held.Task.WaitAsync(deadline);

    public void Open() => _open.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        await _serving;
        _closing.Dispose();
    }

    private async Task ServeAsync()
    {
        var lines = new List<Task>();
        try
        {
            while (true) lines.Add(JoinAsync(await _listener.AcceptTcpClientAsync(_closing.Token)));
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(lines);
        }
    }

    private async Task JoinAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(_server, _closing.Token);
                var there = PumpAsync(client.GetStream(), server.GetStream(), PassAsync);
                var back = PumpAsync(server.GetStream(), client.GetStream(), _ => Task.CompletedTask);
                await Task.WhenAny(there, back); // whichever side hangs up, the other hears of it
            }
            catch (Exception end) when (end is OperationCanceledException or SocketException)
            {
                // The server is gone, or the test is over.
            }
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, Func<int, Task> pass)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (await from.ReadAsync(buffer, _closing.Token) is var count and > 0)
            {
                await pass(count);
                await to.WriteAsync(buffer.AsMemory(0, count), _closing.Token);
            }
        }
        catch (Exception end) when (end is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // One side hung up.
        }
    }

    private Task PassAsync(int count)
    {
        if (Interlocked.Add(ref _left, -count) >= 0) return Task.CompletedTask;
        _held.TrySetResult();
        return _open.Task.WaitAsync(_closing.Token);
    }
}
