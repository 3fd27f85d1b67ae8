using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// Bears what a client still sends for a call that was answered before the client had said everything: an upload that is refused,
/// or a method that does not exist.
/// <para>
/// Kestrel resets the stream of such a call when its handler ends, which tells the client to stop. From five seconds later on it
/// takes every frame of that stream for a breach of the protocol, for which it closes the whole connection, with all other calls
/// on it. Yet a slow link may carry for longer than that what the client had sent before it heard of the refusal. As long as the
/// handler has not ended Kestrel throws such frames away: so the stream is reset at once, as ever, and the handler ends later.
/// </para>
/// <para>
/// To read the rest instead, and reset nothing, would be worse: clients then reset the stream themselves, and that of .NET may send
/// a frame after that, which Kestrel does not forgive at all.
/// </para>
/// </summary>
internal sealed class LateFrames(RequestDelegate next, IHostApplicationLifetime lifetime, TimeProvider clock)
{
    // With Kestrel's five seconds half a minute; a window of 2 MiB takes that long at 70 KB/s.
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(25);

    // Kestrel closes a connection that has twice its 100 streams, those that are over among them.
    private const int MostPerConnection = 32;

    private const int NoError = 0;

    private readonly ConcurrentDictionary<string, int> _waiting = new();

    public async Task InvokeAsync(HttpContext http)
    {
        await next(http);
        if (!HttpProtocol.IsHttp2(http.Request.Protocol) || http.RequestAborted.IsCancellationRequested || IsRead(http)) return;
        var connection = http.Connection.Id;
        try
        {
            if (_waiting.AddOrUpdate(connection, 1, (_, count) => count + 1) <= MostPerConnection) await WaitAsync(http);
        }
        finally
        {
            if (_waiting.AddOrUpdate(connection, 0, (_, count) => count - 1) == 0) _waiting.TryRemove(new(connection, 0));
        }
    }

    // The request is at its end; what was sent until now and nobody wants is thrown away.
    private static bool IsRead(HttpContext http)
    {
        try
        {
            if (!http.Request.BodyReader.TryRead(out var rest)) return false;
            http.Request.BodyReader.AdvanceTo(rest.Buffer.End);
            return rest.IsCompleted;
        }
        catch (Exception over) when (over is IOException or InvalidOperationException)
        {
            return true; // the client reset it, or its one message was read to the end
        }
    }

    private async Task WaitAsync(HttpContext http)
    {
        var closed = http.Features.Get<IConnectionLifetimeFeature>()?.ConnectionClosed ?? CancellationToken.None;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(closed, lifetime.ApplicationStopping);
        try
        {
            await http.Response.CompleteAsync();
            http.Features.Get<IHttpResetFeature>()?.Reset(NoError);
            await Task.Delay(Linger, clock, over.Token);
        }
        catch (Exception end) when (end is OperationCanceledException or IOException or InvalidOperationException)
        {
            // The connection is gone, or the daemon ends.
        }
    }
}
