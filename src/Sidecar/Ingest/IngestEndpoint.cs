using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Sidecar.Ingest.Core;
using Sidecar.Ingest.Proxy;
using Sidecar.Ingest.Tickets;
using Sidecar.Staging.Core;
using Yarp.ReverseProxy.Forwarder;

namespace Sidecar.Ingest;

/// <summary>
/// What the ingest listener answers: everything passes to the pod's glance-api, and its answer back. Of an upload Glance gets the
/// request without the body, decides as ever, and asks for the bytes by <c>ReceiveUpload</c>; only then are they read, by the
/// daemon, straight into the staging area. Glance's answer ends the request.
/// </summary>
internal sealed class IngestEndpoint(
    Upstream upstream, UploadQuestion question, IHttpForwarder forwarder, UploadTickets tickets, IngestAnswers answers, IngestMetrics metrics,
    IOptions<IngestOptions> options, TimeProvider clock, ILogger<IngestEndpoint> logger)
{
    private static readonly PassedRequest AsItIs = new();

    public async Task InvokeAsync(HttpContext http)
    {
        if (RequestTarget.Fault(http) is { } fault)
        {
            await RefuseAsync(http, fault);
            return;
        }

        LiftLimits(http);
        if (RequestTarget.Upload(http) is { } image && (HasBody(http) || GoesOn(http)))
        {
            if (ResumableUpload.TryRead(http.Request.Headers, out var upload, out var flaw)) await HoldAsync(http, image, upload);
            else await RefuseAsync(http, flaw);
        }
        else if (RequestTarget.Question(http) is { } asked)
        {
            await TellAsync(http, asked);
        }
        else
        {
            await PassAsync(http);
        }
    }

    private Task RefuseAsync(HttpContext http, string fault)
    {
        metrics.Ended(IngestOutcome.Refused);
        return answers.RefuseAsync(http, fault);
    }

    private async Task TellAsync(HttpContext http, ImageId image)
    {
        try
        {
            http.Response.StatusCode = (int)await question.AnswerAsync(http, image);
            metrics.Ended(IngestOutcome.Passed);
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            metrics.Ended(await answers.EndAsync(
                http, failure is HttpRequestException ? ForwarderError.Request : ForwarderError.RequestTimedOut, IngestOutcome.Passed));
        }
    }

    private async Task PassAsync(HttpContext http)
    {
        var error = await forwarder.SendAsync(http, upstream.Prefix, upstream.Client, upstream.Config, AsItIs);
        metrics.Ended(await answers.EndAsync(http, error, IngestOutcome.Passed));
        await UnreadBody.DrainAsync(http, http.Features.Get<IHttpRequestBodyDetectionFeature>(), clock, options.Value.OnSocket);
    }

    private async Task HoldAsync(HttpContext http, ImageId image, ResumableUpload upload)
    {
        using var body = new HeldBody(
            image, http.Request.ContentLength, http.Request.BodyReader, tickets.Now, upload.Offset, upload.IsKept);
        using var silence = new CancellationTokenSource(options.Value.SilenceTimeout, clock);
        // While the body is received Glance has nothing to say; how long the client may be silent is Staging:IdleTimeout's matter.
        body.OnReceiving = receives => silence.CancelAfter(receives ? Timeout.InfiniteTimeSpan : options.Value.SilenceTimeout);
        var ticket = tickets.Issue(body);
        var detection = http.Features.Get<IHttpRequestBodyDetectionFeature>();
        ForwarderError error;
        try
        {
            http.Features.Set<IHttpRequestBodyDetectionFeature>(new HeldRequest.NoBody());
            error = await forwarder.SendAsync(
                http, upstream.Prefix, upstream.Client, upstream.Config with { ActivityTimeout = TimeSpan.FromDays(20) },
                new HeldRequest(ticket, body), silence.Token);
        }
        finally
        {
            await tickets.EndAsync(ticket);
        }

        var outcome = await answers.EndAsync(http, error, OutcomeOf(body, http.Response.StatusCode));
        metrics.Ended(outcome);
        metrics.Received(body.Received);
        IngestLog.UploadAnswered(logger, image, http.Response.StatusCode, body.Received);
        await UnreadBody.DrainAsync(http, detection, clock, options.Value.OnSocket);
    }

    private static IngestOutcome OutcomeOf(HeldBody body, int status) => (body.WasTaken, status) switch
    {
        (true, StatusCodes.Status204NoContent) => IngestOutcome.Staged,
        (true, _) => IngestOutcome.NotStaged,
        (false, _) => IngestOutcome.NotWanted,
    };

    private static bool HasBody(HttpContext http) =>
        http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true };

    // With no byte left to send, as all of them had arrived before it was cut off. Glance would make an image of no bytes of it.
    private static bool GoesOn(HttpContext http) => http.Request.Headers.ContainsKey(ResumableUpload.OffsetHeader);

    // Kestrel's limits are for small requests: 30 MB, and at least 240 bytes a second both ways, which a client that writes an image
    // to a slow disk does not keep up. Silence has a limit of its own; and nothing is upgraded to another protocol through here.
    private static void LiftLimits(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } sending) sending.MinDataRate = null;
        var receiving = HttpProtocol.IsHttp2(http.Request.Protocol) ? null : http.Features.Get<IHttpMinResponseDataRateFeature>();
        receiving?.MinDataRate = null;
        http.Features.Set<IHttpUpgradeFeature>(null);
    }
}
