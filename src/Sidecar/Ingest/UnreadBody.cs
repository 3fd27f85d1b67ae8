using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Ingest;

/// <summary>
/// What a client still sends of a request that was answered before its end. Over HTTP/1.1 many clients look for an answer only when
/// they have sent everything, and a connection that is closed under them takes the answer along: so some of it is read and thrown
/// away first. A client that asked whether it may send, and was not told to, sends nothing, and closes when it has the answer. Over
/// HTTP/2 the stream is reset, and the connection goes on.
/// </summary>
internal static class UnreadBody
{
    // As Glance's side does for uploads that come through Python.
    private const long MostBytes = 64 << 20;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(10);

    /// <summary>After the answer is complete: reads the rest, and closes the connection when there is too much of it.</summary>
    /// <param name="toTheEnd">
    /// A web server is in front, which looks for the answer only when it has sent everything, and tells its client of an error of its own
    /// when it cannot: there is never too much, as long as it comes.
    /// </param>
    public static async Task DrainAsync(
        HttpContext http, IHttpRequestBodyDetectionFeature? detection, TimeProvider clock, bool toTheEnd)
    {
        if (detection is not { CanHaveBody: true } || HttpProtocol.IsHttp2(http.Request.Protocol)) return;
        // Kestrel would go on for five seconds, and take it for an error of ours.
        if (!http.RequestAborted.IsCancellationRequested && !await IsReadAsync(http, clock, toTheEnd)) http.Abort();
    }

    private static async Task<bool> IsReadAsync(HttpContext http, TimeProvider clock, bool toTheEnd)
    {
        using var deadline = new CancellationTokenSource(MostTime, clock);
        try
        {
            for (var left = toTheEnd ? long.MaxValue : MostBytes; left > 0;)
            {
                if (toTheEnd) deadline.CancelAfter(MostTime);
                var read = await http.Request.BodyReader.ReadAsync(deadline.Token);
                left -= read.Buffer.Length;
                http.Request.BodyReader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) return true;
            }
        }
        catch (Exception over) when (over is IOException or OperationCanceledException or InvalidOperationException)
        {
            // It hung up, or sends too slowly, or Kestrel has refused the rest: the answer was given all the same.
        }

        return false;
    }
}
