using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Import.Core;

/// <summary>What imports tell the world of themselves. Labels are from closed sets: never an id.</summary>
internal sealed class ImportMetrics
{
    public const string MeterName = SidecarActivities.SourceName;

    // From an inspection to a conversion of a terabyte.
    internal static readonly double[] StageBuckets = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200];

    private readonly Meter _meter;
    private readonly Counter<long> _imports;
    private readonly Histogram<double> _stageDuration;
    private readonly Counter<long> _stageBytes;
    private readonly Counter<long> _refusals;

    public ImportMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(MeterName);
        _imports = _meter.CreateCounter<long>(
            "glance_staging_imports", "{import}", "Imports that ended, by result and reason.");
        _stageDuration = _meter.CreateHistogram(
            "glance_staging_stage_duration_seconds",
            "s",
            "Time that one stage of an import took.",
            tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = StageBuckets });
        _stageBytes = _meter.CreateCounter<long>(
            "glance_staging_stage_input_bytes", "By", "Bytes that stages of imports read, by stage.");
        _refusals = _meter.CreateCounter<long>(
            "glance_staging_inspection_refusals", "{image}", "Images refused, by format and check.");
    }

    /// <summary>Has the queue's length read whenever somebody looks.</summary>
    public void ObserveActive(Func<(int Queued, int Running)> count) => _meter.CreateObservableUpDownCounter(
        "glance_staging_imports_active",
        () =>
        {
            var (queued, running) = count();
            return (IEnumerable<Measurement<int>>)
            [
                new(queued, new KeyValuePair<string, object?>("state", "queued")),
                new(running, new KeyValuePair<string, object?>("state", "running")),
            ];
        },
        "{import}",
        "Imports that wait or run.");

    public void Finished(ImportSnapshot import) => _imports.Add(
        1,
        new KeyValuePair<string, object?>("result", import.State.Label()),
        new KeyValuePair<string, object?>("reason", import.Failure?.Error.Reason() ?? ""));

    public void StageEnded(string stage, StageState state, TimeSpan elapsed) => _stageDuration.Record(
        elapsed.TotalSeconds,
        new KeyValuePair<string, object?>("stage", stage),
        new KeyValuePair<string, object?>("result", state == StageState.Succeeded ? "succeeded" : "failed"));

    public void StageRead(string stage, long bytes) =>
        _stageBytes.Add(bytes, new KeyValuePair<string, object?>("stage", stage));

    public void InspectionRefused(string format, string check) => _refusals.Add(
        1,
        new KeyValuePair<string, object?>("format", format),
        new KeyValuePair<string, object?>("check", check));
}
