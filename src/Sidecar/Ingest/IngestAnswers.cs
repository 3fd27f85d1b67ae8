using Microsoft.Extensions.Options;
using Sidecar.Ingest.Core;
using Sidecar.Ingest.Proxy;
using Yarp.ReverseProxy.Forwarder;

namespace Sidecar.Ingest;

/// <summary>What the ingest says by itself, where Glance says nothing: in plain text, and without a word of the request.</summary>
internal sealed class IngestAnswers(Upstream upstream, IOptions<IngestOptions> options, ILogger<IngestAnswers> logger)
{
    // As the chart's probes notice a glance-api that is back.
    private const string RetryAfterSeconds = "10";

    private bool _isAway;

    public async Task RefuseAsync(HttpContext http, string fault)
    {
        IngestLog.RequestRefused(logger, StatusCodes.Status400BadRequest, fault);
        // Over HTTP/2 it is one stream of many. Else: who sends such a request may have put another one into its body.
        if (!HttpProtocol.IsHttp2(http.Request.Protocol)) http.Response.Headers.Connection = "close";
        await SayAsync(http, StatusCodes.Status400BadRequest, fault);
    }

    /// <summary>Ends a request that was passed on. When it returns the client has the whole answer, or none.</summary>
    /// <param name="answered">The outcome, if Glance's answer went back whole.</param>
    public async Task<IngestOutcome> EndAsync(HttpContext http, ForwarderError error, IngestOutcome answered)
    {
        if (error == ForwarderError.None)
        {
            if (Interlocked.Exchange(ref _isAway, false)) IngestLog.UpstreamBack(logger, upstream.Shown);
            await CompleteAsync(http);
            return answered;
        }

        if (http.RequestAborted.IsCancellationRequested) return IngestOutcome.HungUp;
        IngestLog.RequestBroken(logger, error.ToString());
        var (status, text, outcome) = Explain(http, error);
        if (http.Response.HasStarted)
        {
            http.Abort(); // what is missing must not look like the end
            return outcome;
        }

        if (error == ForwarderError.Request) NoteAway(http);
        if (status == StatusCodes.Status503ServiceUnavailable) http.Response.Headers.RetryAfter = RetryAfterSeconds;
        await SayAsync(http, status, text);
        return outcome;
    }

    private (int Status, string Text, IngestOutcome Outcome) Explain(HttpContext http, ForwarderError error) => error switch
    {
        ForwarderError.Request => (
            StatusCodes.Status503ServiceUnavailable,
            "glance-api of this pod does not answer, or ended the connection before it had answered. Try again in a moment.",
            IngestOutcome.UpstreamFailed),
        ForwarderError.RequestTimedOut or ForwarderError.RequestCanceled => (
            StatusCodes.Status504GatewayTimeout,
            $"glance-api of this pod did not answer within {options.Value.SilenceTimeout} (Ingest:SilenceTimeout).",
            IngestOutcome.UpstreamFailed),
        ForwarderError.RequestCreation => (
            StatusCodes.Status400BadRequest, "The request has a header that cannot be passed on.", IngestOutcome.Refused),
        ForwarderError.RequestBodyClient => (
            http.Response.StatusCode is >= 400 and < 500 ? http.Response.StatusCode : StatusCodes.Status400BadRequest,
            "The body of the request ended early, or is not framed as it says.", IngestOutcome.HungUp),
        _ => (
            StatusCodes.Status502BadGateway, "glance-api of this pod gave no whole answer. Look at what became of the request.",
            IngestOutcome.UpstreamFailed),
    };

    // Once until it is back: the log is not a client's to fill.
    private void NoteAway(HttpContext http)
    {
        if (Interlocked.Exchange(ref _isAway, true)) return;
        var failure = http.Features.Get<IForwarderErrorFeature>()?.Exception;
        IngestLog.UpstreamAway(logger, upstream.Shown, failure?.GetBaseException().Message ?? "no reason given");
    }

    private static async Task SayAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.ContentLength = text.Length + 1;
        // No body follows the headers that answer a HEAD.
        if (!HttpMethods.IsHead(http.Request.Method)) await http.Response.WriteAsync(text + "\n", http.RequestAborted);
        await CompleteAsync(http);
    }

    private static async Task CompleteAsync(HttpContext http)
    {
        try
        {
            await http.Response.CompleteAsync();
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // The client.
        }
    }
}
