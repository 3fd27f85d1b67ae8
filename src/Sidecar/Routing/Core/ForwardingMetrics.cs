using System.Diagnostics.Metrics;
using Sidecar.Staging.Core;

namespace Sidecar.Routing.Core;

/// <summary>Instruments of what pods ask of each other. Labels are from closed sets: never an id.</summary>
internal sealed class ForwardingMetrics
{
    // One round trip among neighbours, up to the longest Peers:LocateTimeout.
    private static readonly double[] LocateBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 60];

    private readonly Meter _meter;
    private readonly Counter<long> _forwards;
    private readonly Counter<long> _notHere;
    private readonly Counter<long> _locates;
    private readonly Histogram<double> _locateDuration;
    private readonly Counter<long> _reattaches;
    private readonly Counter<long> _duplicates;

    public ForwardingMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(StagingMetrics.MeterName);
        _forwards = _meter.CreateCounter<long>(
            "glance_staging_forwards", "{call}", "Calls that were answered by asking the owner, by method and result.");
        _notHere = _meter.CreateCounter<long>(
            "glance_staging_forwards_not_here", "{call}",
            "Forwarded calls for what is not here, which were not forwarded again.");
        _locates = _meter.CreateCounter<long>(
            "glance_staging_locates", "{lookup}", "Looking for the owner, by what found it.");
        _locateDuration = _meter.CreateHistogram(
            "glance_staging_locate_duration_seconds", "s", "Time that asking all peers took.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = LocateBuckets });
        _reattaches = _meter.CreateCounter<long>(
            "glance_staging_reattaches", "{call}", "Forwarded imports and reads that went on after their connection broke.");
        _duplicates = _meter.CreateCounter<long>(
            "glance_staging_duplicates", "{image}",
            "Older copies of images that another pod has newer, by what became of them.");
    }

    /// <summary>Has the number of tombstones read whenever somebody looks.</summary>
    public void ObserveTombstones(Func<int> count) => _meter.CreateObservableGauge(
        "glance_staging_tombstones", count, "{image}", "Deletions that are remembered for peers.");

    public void Forwarded(string method, string result) => _forwards.Add(1, Tag("method", method), Tag("result", result));

    public void ForwardMissed() => _notHere.Add(1);

    public void Located(string result) => _locates.Add(1, Tag("result", result));

    public void LocateTook(TimeSpan time) => _locateDuration.Record(time.TotalSeconds);

    public void Reattached() => _reattaches.Add(1);

    public void Duplicate(string action) => _duplicates.Add(1, Tag("action", action));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
