using System.Diagnostics;
using System.Diagnostics.Metrics;
using Grpc.Core;

namespace Sidecar.Telemetry.Calls;

/// <summary>
/// Duration and span of one gRPC call, by OpenTelemetry's semantic conventions for RPC: <c>rpc.server.call.duration</c>,
/// <c>rpc.client.call.duration</c> and their attributes. Costs a timestamp when nobody listens.
/// </summary>
internal sealed class CallSpan
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string SourceName = "Grpc";

    // An upload takes hours, a lookup a millisecond.
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries =
            [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200, 14400],
    };

    private static readonly ActivitySource Source = new(SourceName);
    private static readonly Meter Meter = new(SourceName);
    private static readonly Histogram<double> ServerDuration = Meter.CreateHistogram(
        "rpc.server.call.duration", "s", "Time that calls to this server took, by method and status.", null, Buckets);

    private static readonly Histogram<double> ClientDuration = Meter.CreateHistogram(
        "rpc.client.call.duration", "s", "Time that calls of this client took, by method and status.", null, Buckets);

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Histogram<double> _duration;
    private readonly string _method;
    private readonly Activity? _activity;
    private int _ended;

    private CallSpan(Histogram<double> duration, string method, Activity? activity)
    {
        _duration = duration;
        _method = method;
        _activity = activity;
        activity?.SetTag("rpc.system.name", "grpc").SetTag("rpc.method", method);
    }

    /// <summary>Somebody listens to this very span, so its context is passed to the server.</summary>
    public bool IsRecorded => _activity is not null;

    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    /// <summary>A call that arrived; its caller's span, if it sent one, is the parent.</summary>
    /// <param name="path">As gRPC has it: <c>/package.Service/Method</c>.</param>
    public static CallSpan StartServer(string path, IHeaderDictionary headers)
    {
        var method = NameOf(path);
        if (!Source.HasListeners()) return new CallSpan(ServerDuration, method, null);
        var hasParent =
            ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var parent);

        // The web server has begun a span of its own, which nobody records: it must not become the parent.
        var before = Activity.Current;
        if (!hasParent) Activity.Current = null;
        var activity = Source.StartActivity(method, ActivityKind.Server, hasParent ? parent : default);
        // Not sampled: log lines still need a trace id.
        if (activity is null) Activity.Current = before;
        return new CallSpan(ServerDuration, method, activity);
    }

    /// <summary>A call that is sent. Its span is current until <see cref="Leave"/>.</summary>
    public static CallSpan StartClient(string path, string server)
    {
        var method = NameOf(path);
        var span = new CallSpan(ClientDuration, method, Source.StartActivity(method, ActivityKind.Client));
        span._activity?.SetTag("server.address", server);
        return span;
    }

    /// <summary>
    /// The metadata that tells the server of this span. What the caller passes on of the trace that it is in itself
    /// gives way, or the span would be missing between the two.
    /// </summary>
    public Metadata Inject(Metadata? headers)
    {
        if (_activity is not { Id: { } id }) return headers ?? [];
        var told = new Metadata { { "traceparent", id } };
        if (_activity.TraceStateString is { Length: > 0 } state) told.Add("tracestate", state);
        foreach (var entry in headers ?? Metadata.Empty)
        {
            if (entry.Key is not ("traceparent" or "tracestate")) told.Add(entry);
        }

        return told;
    }

    /// <summary>Gives the caller back its own span, once the call is on its way.</summary>
    public void Leave(Activity? before)
    {
        if (_activity is not null) Activity.Current = before;
    }

    /// <summary>The call is over. Only the first time counts: the end of a stream and its disposal may meet.</summary>
    public void End(Status status)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        // A label: what a peer may say is cut down to the codes that there are.
        var code = (Enum.IsDefined(status.StatusCode) ? status.StatusCode : StatusCode.Unknown).Reason();
        var failed = IsFailure(status.StatusCode);
        var tags = new TagList
        {
            { "rpc.system.name", "grpc" },
            { "rpc.method", _method },
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

    private static string NameOf(string path) => path.TrimStart('/');
}
