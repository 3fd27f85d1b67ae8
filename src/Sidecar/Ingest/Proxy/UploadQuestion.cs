using System.Globalization;
using System.Net;
using Sidecar.Routing.Locating;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Ingest.Proxy;

/// <summary>
/// Answers a client that was cut off, and asks how far its upload came: HEAD of the path of the upload. Glance is asked first whether
/// it shows the client the image, so that nobody learns of other projects' uploads. What other pods have is told of as well: the client
/// cannot choose the pod, but may come to the right one when it goes on.
/// </summary>
internal sealed class UploadQuestion(Upstream upstream, StagingArea area, RemoteUploadFinder others)
{
    private static readonly PassedRequest AsItIs = new();

    /// <summary>The answer's status; its headers are set.</summary>
    /// <exception cref="HttpRequestException">Glance does not answer.</exception>
    public async Task<HttpStatusCode> AnswerAsync(HttpContext http, ImageId image)
    {
        var shown = await AskAsync(http, image);
        if (shown != HttpStatusCode.OK) return shown;
        http.Response.Headers.CacheControl = "no-store";
        if (area.TryGetImage(image, out var staged)) return Tell(http, staged.Size, isComplete: true);
        if (area.TryGetUpload(image) is { State: UploadState.Receiving or UploadState.Suspended } upload)
        {
            return Tell(http, upload.ReceivedOffset, isComplete: false);
        }

        return await others.FindAsync(image, http.RequestAborted) is { } other
            ? Tell(http, other.Offset, other.IsComplete)
            : HttpStatusCode.NotFound;
    }

    private static HttpStatusCode Tell(HttpContext http, long offset, bool isComplete)
    {
        http.Response.Headers[ResumableUpload.OffsetHeader] = offset.ToString(CultureInfo.InvariantCulture);
        http.Response.Headers[ResumableUpload.CompleteHeader] = isComplete ? "?1" : "?0";
        return HttpStatusCode.NoContent;
    }

    // With the client's own token and everything else that it said.
    private async Task<HttpStatusCode> AskAsync(HttpContext http, ImageId image)
    {
        using var question = new HttpRequestMessage(HttpMethod.Get, default(Uri))
        {
            Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        await AsItIs.TransformRequestAsync(http, question, upstream.Prefix, http.RequestAborted);
        question.RequestUri = new Uri($"{upstream.Prefix}/v2/images/{image}");
        question.Content = null;
        foreach (var name in (string[])["Range", "If-None-Match", "If-Modified-Since", "Expect"]) question.Headers.Remove(name);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        patience.CancelAfter(upstream.Config.ActivityTimeout!.Value);
        using var answer = await upstream.Client.SendAsync(question, patience.Token);
        return answer.StatusCode;
    }
}
