using System.Diagnostics;

namespace Sidecar.Telemetry;

/// <summary>
/// Spans of the work that a call sets off and that outlives it. The calls themselves are traced by src/Grpc.
/// </summary>
internal static class SidecarActivities
{
    public const string SourceName = "Glance.Staging.Sidecar";

    private static readonly ActivitySource Source = new(SourceName, SidecarVersion.Text);

    /// <summary>A span below the current one; null when nobody records.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name);

    /// <summary>
    /// A span of work that was asked for in an earlier call, below that call's span. Also when nobody records: the log
    /// lines of the work are to carry its trace id, not that of the call which happened to free its slot.
    /// </summary>
    public static Activity? Start(string name, ActivityContext parent)
    {
        Activity.Current = null;
        var span = Source.StartActivity(name, ActivityKind.Internal, parent);
        if (span is not null || parent.TraceId == default) return span;
        return new Activity(name).SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags).Start();
    }

    /// <summary>Marks the span as failed, by the stable reason.</summary>
    public static void Fail(this Activity? activity, string reason, string message)
    {
        activity?.SetTag("error.type", reason);
        activity?.SetStatus(ActivityStatusCode.Error, message);
    }
}
