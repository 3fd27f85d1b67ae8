using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// Bears what a client still sends for a call that was answered before the client had said everything: an upload that is refused,
/// a method that does not exist, or an upload whose end comes in a frame of its own behind its finish, as most clients send it.
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
/// <para>
/// Where Kestrel would come to remember too many of them (<see cref="UnendedStreams"/>) the next answer waits for one to be forgotten, or
/// for its client's end.
/// </para>
/// </summary>
internal sealed class LateFrames(RequestDelegate next, IHostApplicationLifetime lifetime, TimeProvider clock)
{
    // With Kestrel's five seconds half a minute; a window of 2 MiB takes that long at 70 KB/s.
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(25);

    // The others' late frames are borne for Kestrel's five seconds only.
    private const int MostLingering = 32;

    private const int NoError = 0;

    private readonly ConditionalWeakTable<IConnectionLifetimeFeature, Connection> _connections = [];

    public async Task InvokeAsync(HttpContext http)
    {
        await next(http);
        if (!HttpProtocol.IsHttp2(http.Request.Protocol) || http.RequestAborted.IsCancellationRequested || IsRead(http)) return;
        if (http.Features.Get<IConnectionLifetimeFeature>() is not { } lasting) return;
        var connection = _connections.GetValue(lasting, _ => new Connection(clock));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(lasting.ConnectionClosed, lifetime.ApplicationStopping);
        if (!await HasPlaceAsync(http, connection.Unended, over.Token)) return;
        try
        {
            await AnswerAsync(http, connection, over.Token);
        }
        finally
        {
            _ = connection.Unended.LeaveLaterAsync();
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

    private static async Task<bool> HasPlaceAsync(HttpContext http, UnendedStreams streams, CancellationToken over)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(over);
        var place = streams.EnterAsync(waiting.Token);
        if (place.IsCompleted || !await IsEndedBeforeAsync(place, http.Request.BodyReader)) return await IsOursAsync(place);
        await waiting.CancelAsync();
        if (await IsOursAsync(place)) streams.Leave(); // granted just as the client ended
        return false;
    }

    // What is sent meanwhile is thrown away: it would fill the window that the connection's other uploads share. The read is broken
    // off here, by whoever waits for both, and not when the place is granted: by then the reader may serve another request.
    private static async Task<bool> IsEndedBeforeAsync(Task place, PipeReader body)
    {
        try
        {
            while (true)
            {
                var reading = body.ReadAsync().AsTask();
                if (await Task.WhenAny(place, reading) == place) body.CancelPendingRead();
                var read = await reading;
                body.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) return true;
                if (place.IsCompleted) return false;
            }
        }
        catch (Exception over) when (over is IOException or InvalidOperationException or OperationCanceledException)
        {
            return true; // the client reset it, or is gone
        }
    }

    private static async Task<bool> IsOursAsync(Task place)
    {
        await place.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return place.IsCompletedSuccessfully;
    }

    private async Task AnswerAsync(HttpContext http, Connection connection, CancellationToken over)
    {
        var isLingering = Interlocked.Increment(ref connection.Lingering) <= MostLingering;
        try
        {
            await http.Response.CompleteAsync();
            http.Features.Get<IHttpResetFeature>()?.Reset(NoError);
            if (isLingering) await Task.Delay(Linger, clock, over);
        }
        catch (Exception end) when (end is OperationCanceledException or IOException or InvalidOperationException)
        {
            // The connection is gone, or the daemon ends.
        }
        finally
        {
            Interlocked.Decrement(ref connection.Lingering);
        }
    }

    private sealed class Connection(TimeProvider clock)
    {
        public UnendedStreams Unended { get; } = new(clock);

        public int Lingering;
    }
}
