using System.Text.Json;
using System.Text.Json.Nodes;
using Sidecar.Webhook.Core;
using Sidecar.Webhook.Injecting;
using Sidecar.Webhook.Reviews;

namespace Sidecar.Webhook;

/// <summary>Answers API servers that ask what to do with a pod that is about to be made.</summary>
internal sealed class ReviewEndpoint(PodInjection injection, WebhookMetrics metrics, ILogger<ReviewEndpoint> logger)
{
    public const string Path = "/inject";

    /// <summary>An API server takes objects of 3 MiB at most, and escaping makes them longer.</summary>
    public const int MostBytes = 8 << 20;

    private const int LongestName = 253;

    // Of two of one name a reader of the pod might take the other than this one did.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public async Task AnswerAsync(HttpContext context)
    {
        if (await ReadAsync(context) is not { } request)
        {
            metrics.Reviewed(ReviewResult.Refused);
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync($"Allowed: {AdmissionReview.KindName} of {AdmissionReview.Version} with a request.\n", context.RequestAborted);
            return;
        }

        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(
            context.Response.Body, new AdmissionReview(AdmissionReview.Version, AdmissionReview.KindName, Response: Answer(request)),
            ReviewJson.Default.AdmissionReview, context.RequestAborted);
    }

    private async Task<AdmissionRequest?> ReadAsync(HttpContext context)
    {
        try
        {
            var body = await JsonNode.ParseAsync(context.Request.Body, documentOptions: Strict, cancellationToken: context.RequestAborted);
            var review = body.Deserialize(ReviewJson.Default.AdmissionReview);
            if (review is { ApiVersion: AdmissionReview.Version, Kind: AdmissionReview.KindName, Request: { } request }) return request;
            WebhookLog.Refused(logger, "It is no review of the version that is known.");
        }
        catch (JsonException failure)
        {
            // Where it is wrong, and nothing of what it says.
            WebhookLog.Refused(logger, $"It is not valid at line {failure.LineNumber}, byte {failure.BytePositionInLine}.");
        }

        return null;
    }

    private AdmissionResponse Answer(AdmissionRequest request)
    {
        var decision = request is { Kind: { Group: null or "", Kind: "Pod" }, Operation: "CREATE", Object: { } pod }
            ? injection.Decide(pod) : new InjectionDecision([], null);
        Tell(request, decision);
        if (decision.Patch.Count == 0) return new AdmissionResponse(request.Uid, Allowed: true);
        var patch = JsonSerializer.SerializeToUtf8Bytes(decision.Patch, ReviewJson.Default.IReadOnlyListJsonObject);
        return new AdmissionResponse(
            request.Uid, Allowed: true, "JSONPatch", patch, decision.Obstacle is { } obstacle ? [obstacle] : null);
    }

    private void Tell(AdmissionRequest request, InjectionDecision decision)
    {
        var (pod, @namespace) = (NameOf(request.Object), OneLine(request.Namespace ?? ""));
        if (decision.Obstacle is { } obstacle) WebhookLog.Obstructed(logger, pod, @namespace, obstacle);
        else if (decision.Patch.Count > 0) WebhookLog.Injected(logger, pod, @namespace);
        metrics.Reviewed(decision switch
        {
            { Obstacle: not null } => ReviewResult.Obstructed,
            { Patch.Count: > 0 } => ReviewResult.Injected,
            _ => ReviewResult.LeftAlone,
        });
    }

    // One that a controller makes may have no name yet.
    private static string NameOf(JsonObject? pod)
    {
        var metadata = pod?["metadata"];
        return OneLine(metadata.Text("name") is { Length: > 0 } name ? name : metadata.Text("generateName"));
    }

    private static string OneLine(string text) => new([.. text.Take(LongestName).Select(letter => char.IsControl(letter) ? ' ' : letter)]);
}
