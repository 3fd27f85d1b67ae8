using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Webhook.Core;

/// <summary>What became of a pod that an API server asked about.</summary>
internal enum ReviewResult
{
    /// <summary>It gets the sidecar.</summary>
    Injected,

    /// <summary>It is none of Glance's, or has the sidecar.</summary>
    LeftAlone,

    /// <summary>It should have the sidecar and cannot; it is told why.</summary>
    Obstructed,

    /// <summary>The request made no sense.</summary>
    Refused,
}

/// <summary>Instruments of the webhook.</summary>
internal sealed class WebhookMetrics
{
    private readonly Counter<long> _reviews;

    public WebhookMetrics(IMeterFactory meters, ServingCertificate certificate)
    {
        var meter = meters.Create(SidecarActivities.SourceName);
        meter.CreateObservableGauge(
            "glance_staging_build_info",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", SidecarVersion.Text)),
            description: "1, and the version that runs.");
        ProcessMetrics.Observe(meter);
        meter.CreateObservableGauge(
            "glance_staging_webhook_certificate_expiry_timestamp_seconds",
            () => new DateTimeOffset(certificate.Current.TargetCertificate.NotAfter).ToUnixTimeSeconds(), "s",
            "When the webhook's certificate expires, as a Unix time.");
        _reviews = meter.CreateCounter<long>(
            "glance_staging_webhook_reviews", "{review}", "Pods that API servers asked about, by result.");
        // An alert sees an increase only from a sample before it.
        foreach (var result in Enum.GetValues<ReviewResult>()) _reviews.Add(0, Tag(result));
    }

    public void Reviewed(ReviewResult result) => _reviews.Add(1, Tag(result));

    private static KeyValuePair<string, object?> Tag(ReviewResult result) => new("result", result switch
    {
        ReviewResult.Injected => "injected",
        ReviewResult.LeftAlone => "left_alone",
        ReviewResult.Obstructed => "obstructed",
        _ => "refused",
    });
}
