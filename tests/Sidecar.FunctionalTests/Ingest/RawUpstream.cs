using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>
/// In the place of glance-api: takes connections, and gives each to the test whose marker is in its head. What nobody waits for is
/// answered with 200 and noted.
/// </summary>
internal sealed class RawUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<RawExchange>> _awaited = new();
    private readonly ConcurrentQueue<string> _unawaited = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public RawUpstream()
    {
        _listener.Start();
        Address = new Uri($"http://{_listener.LocalEndpoint}");
        _accepting = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>The heads of requests that no test waited for.</summary>
    public IEnumerable<string> Others => _unawaited;

    /// <summary>The next request whose head contains the marker. Ask before it is sent.</summary>
    public Task<RawExchange> NextAsync(string marker) =>
        _awaited.GetOrAdd(marker, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var exchange = new RawExchange(socket, _stop.Token);
        try
        {
            await exchange.ReadHeadAsync();
            foreach (var marker in _awaited.Keys.Where(marker => exchange.Head.Contains(marker, StringComparison.Ordinal)))
            {
                if (!_awaited.TryRemove(marker, out var test)) continue;
                test.SetResult(exchange);
                return;
            }

            _unawaited.Enqueue(exchange.Head);
            await exchange.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // The daemon gave the connection up.
        }

        exchange.Dispose();
    }
}
