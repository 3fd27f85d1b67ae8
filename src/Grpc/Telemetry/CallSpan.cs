using System.Diagnostics;
using System.Diagnostics.Metrics;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.Telemetry;

/// <summary>
/// Duration and span of one call, by OpenTelemetry's semantic conventions for RPC: <c>rpc.server.call.duration</c>,
/// <c>rpc.client.call.duration</c> and their attributes. Costs a timestamp when nobody listens.
/// </summary>
internal sealed class CallSpan
{
    // An upload takes hours, a lookup a millisecond.
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries =
            [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200, 14400],
    };

    private static readonly ActivitySource Source = new(GrpcTelemetry.Name);
    private static readonly Meter Meter = new(GrpcTelemetry.Name);
    private static readonly Histogram<double> ServerDuration = Meter.CreateHistogram(
        "rpc.server.call.duration", "s", "Time that calls to this server took, by method and status.", null, Buckets);

    private static readonly Histogram<double> ClientDuration = Meter.CreateHistogram(
        "rpc.client.call.duration", "s", "Time that calls of this client took, by method and status.", null, Buckets);

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Histogram<double> _duration;
    private readonly IMethod _method;
    private readonly Activity? _activity;
    private int _ended;

    private CallSpan(Histogram<double> duration, IMethod method, Activity? activity)
    {
        _duration = duration;
        _method = method;
        _activity = activity;
        activity?.SetTag("rpc.system.name", "grpc").SetTag("rpc.method", NameOf(method));
    }

    /// <summary>A call that arrived; its caller's span, if it sent one, is the parent.</summary>
    public static CallSpan StartServer(IMethod method, HttpContext http)
    {
        if (!Source.HasListeners()) return new CallSpan(ServerDuration, method, null);
        var headers = http.Request.Headers;
        var hasParent =
            ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var parent);

        // The web server has begun a span of its own, which nobody records: it must not become the parent.
        var before = Activity.Current;
        if (!hasParent) Activity.Current = null;
        var activity = Source.StartActivity(NameOf(method), ActivityKind.Server, hasParent ? parent : default);
        // Not sampled: log lines still need a trace id.
        if (activity is null) Activity.Current = before;
        return new CallSpan(ServerDuration, method, activity);
    }

    /// <summary>
    /// A call that is sent. Its span is current until <see cref="Leave"/>, so that it is what the server is told of.
    /// </summary>
    public static CallSpan StartClient(IMethod method, string server)
    {
        var span = new CallSpan(ClientDuration, method, Source.StartActivity(NameOf(method), ActivityKind.Client));
        span._activity?.SetTag("server.address", server);
        return span;
    }

    /// <summary>
    /// Tells the server of this span. What the caller passes on of the trace that it is in itself gives way, or the
    /// span would be missing between the two.
    /// </summary>
    public void Inject(HttpRequestMessage request)
    {
        if (_activity is not { Id: { } id }) return;
        request.Headers.Remove("traceparent");
        request.Headers.Remove("tracestate");
        request.Headers.TryAddWithoutValidation("traceparent", id);
        if (_activity.TraceStateString is { Length: > 0 } state)
        {
            request.Headers.TryAddWithoutValidation("tracestate", state);
        }
    }

    /// <summary>Gives the caller back its own span, once the call is on its way.</summary>
    public void Leave(Activity? before)
    {
        if (_activity is not null) Activity.Current = before;
    }

    /// <summary>The call is over. Only the first time counts.</summary>
    public void End(Status status)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        var code = CodeOf(status.StatusCode);
        var failed = IsFailure(status.StatusCode);
        var tags = new TagList
        {
            { "rpc.system.name", "grpc" },
            { "rpc.method", NameOf(_method) },
            { "rpc.response.status_code", code },
        };
        if (failed) tags.Add("error.type", code);
        // Measured while the span is current, which makes it the measurement's exemplar.
        _duration.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, tags);
        if (_activity is null) return;
        _activity.SetTag("rpc.response.status_code", code);
        if (failed) _activity.SetTag("error.type", code).SetStatus(ActivityStatusCode.Error, status.Detail);
        _activity.Stop();
    }

    // A client's own errors are no failure of the server; for a client every status but OK is one.
    private bool IsFailure(StatusCode code) => ReferenceEquals(_duration, ClientDuration)
        ? code != StatusCode.OK
        : code is StatusCode.Unknown or StatusCode.DeadlineExceeded or StatusCode.Unimplemented or StatusCode.Internal
            or StatusCode.Unavailable or StatusCode.DataLoss;

    // Without the slash in front.
    private static string NameOf(IMethod method) => method.FullName[1..];

    private static string CodeOf(StatusCode code) => code switch
    {
        StatusCode.OK => "OK",
        StatusCode.Cancelled => "CANCELLED",
        StatusCode.Unknown => "UNKNOWN",
        StatusCode.InvalidArgument => "INVALID_ARGUMENT",
        StatusCode.DeadlineExceeded => "DEADLINE_EXCEEDED",
        StatusCode.NotFound => "NOT_FOUND",
        StatusCode.AlreadyExists => "ALREADY_EXISTS",
        StatusCode.PermissionDenied => "PERMISSION_DENIED",
        StatusCode.Unauthenticated => "UNAUTHENTICATED",
        StatusCode.ResourceExhausted => "RESOURCE_EXHAUSTED",
        StatusCode.FailedPrecondition => "FAILED_PRECONDITION",
        StatusCode.Aborted => "ABORTED",
        StatusCode.OutOfRange => "OUT_OF_RANGE",
        StatusCode.Unimplemented => "UNIMPLEMENTED",
        StatusCode.Internal => "INTERNAL",
        StatusCode.Unavailable => "UNAVAILABLE",
        StatusCode.DataLoss => "DATA_LOSS",
        _ => "UNKNOWN",
    };
}
