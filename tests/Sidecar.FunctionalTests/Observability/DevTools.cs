using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>An event of a page, such as a line in its console.</summary>
internal sealed record PageEvent(string Session, string Method, JsonElement Parameters);

/// <summary>The DevTools protocol: numbered commands out, their results and events back, over one WebSocket.</summary>
internal sealed class DevTools : IAsyncDisposable
{
    private readonly ClientWebSocket _socket;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _waiting = new();
    private readonly ConcurrentQueue<PageEvent> _events = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _receiving;
    private int _last;

    public DevTools(ClientWebSocket socket)
    {
        _socket = socket;
        _receiving = ReceiveAsync();
    }

    public IEnumerable<PageEvent> Events => _events;

    /// <param name="session">Of the page that is meant; null: the browser itself.</param>
    public async Task<JsonElement> SendAsync(
        string method, object parameters, string? session, CancellationToken deadline)
    {
        var id = Interlocked.Increment(ref _last);
        var result = _waiting[id] =
            new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        object command = session is null ? new { id, method, @params = parameters }
            : new { id, method, @params = parameters, sessionId = session };
        await _sending.WaitAsync(deadline);
        try
        {
            await _socket.SendAsync(
                JsonSerializer.SerializeToUtf8Bytes(command), WebSocketMessageType.Text, true, deadline);
        }
        finally
        {
            _sending.Release();
        }

        return await result.Task.WaitAsync(deadline);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _receiving;
        _socket.Dispose();
        _sending.Dispose();
        _closing.Dispose();
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (true) Take(await MessageAsync());
        }
        catch (Exception end) when (end is OperationCanceledException or WebSocketException)
        {
            foreach (var waiting in _waiting.Values)
            {
                waiting.TrySetException(new IOException("The browser is gone.", end));
            }
        }
    }

    private async Task<JsonElement> MessageAsync()
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 << 10];
        while (true)
        {
            var part = await _socket.ReceiveAsync(buffer, _closing.Token);
            if (part.MessageType == WebSocketMessageType.Close) throw new WebSocketException("The browser is gone.");
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonDocument.Parse(message.ToArray()).RootElement;
        }
    }

    private void Take(JsonElement message)
    {
        if (!message.TryGetProperty("id", out var id))
        {
            var session = message.TryGetProperty("sessionId", out var of) ? of.GetString()! : "";
            _events.Enqueue(
                new PageEvent(session, message.GetProperty("method").GetString()!, message.GetProperty("params")));
        }
        else if (_waiting.TryRemove(id.GetInt32(), out var result))
        {
            if (message.TryGetProperty("error", out var error))
            {
                result.SetException(new InvalidOperationException(error.ToString()));
            }
            else
            {
                result.SetResult(message.GetProperty("result"));
            }
        }
    }
}
