using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Stores.Core;

/// <summary>What writes to stores tell the world of themselves. Labels are from closed sets.</summary>
internal sealed class StoreMetrics
{
    private static readonly double[] Buckets = [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200];

    private readonly Meter _meter;
    private readonly Counter<long> _writes;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _fallbacks;
    private readonly Histogram<double> _duration;

    public StoreMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(SidecarActivities.SourceName);
        _writes = _meter.CreateCounter<long>(
            "glance_staging_store_writes", "{image}", "Images written straight to a store of Glance's, by kind, result and reason.");
        _bytes = _meter.CreateCounter<long>(
            "glance_staging_store_bytes", "By", "Bytes of images written straight to a store, holes included, by kind.");
        _fallbacks = _meter.CreateCounter<long>(
            "glance_staging_store_fallbacks", "{image}", "Images that Glance itself wrote to a store, by kind and by the reason why.");
        _duration = _meter.CreateHistogram(
            "glance_staging_store_duration_seconds", "s", "Time that one image took to be written straight to a store.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = Buckets });
    }

    /// <summary>Has the number of writes read whenever somebody looks.</summary>
    public void ObserveActive(Func<int> count) => _meter.CreateObservableUpDownCounter(
        "glance_staging_store_writes_active", count, "{image}", "Writes to stores that wait or run.");

    /// <summary>Glance itself writes an image.</summary>
    /// <param name="kind">Of a closed set.</param>
    /// <param name="reason">Of a closed set.</param>
    public void FellBack(string kind, string reason) =>
        _fallbacks.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("reason", reason));

    /// <param name="failed">The reason; empty of a success.</param>
    public void Ended(string kind, string failed, long bytes, TimeSpan elapsed)
    {
        var ofKind = new KeyValuePair<string, object?>("kind", kind);
        _writes.Add(
            1, ofKind, new KeyValuePair<string, object?>("result", failed.Length == 0 ? "succeeded" : "failed"),
            new KeyValuePair<string, object?>("reason", failed));
        _bytes.Add(bytes, ofKind);
        _duration.Record(elapsed.TotalSeconds, ofKind);
    }
}
