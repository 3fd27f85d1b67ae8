using System.Diagnostics.Metrics;
using Sidecar.Import.Core;
using Sidecar.Import.Processes.Confinement;
using Sidecar.Import.Tools;
using Sidecar.Telemetry;

namespace Sidecar.Import.Processes;

/// <summary>Measures child processes: how many ended in which way, how long they took, and what confines them.</summary>
internal sealed class ChildMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _children;
    private readonly Histogram<double> _childDuration;

    public ChildMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(ImportMetrics.MeterName);
        _children = _meter.CreateCounter<long>(
            "glance_staging_child_processes", "{process}", "Child processes that ended, by tool and how.");
        _childDuration = _meter.CreateHistogram(
            "glance_staging_child_duration_seconds", "s", "Time that a child process took.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = ImportMetrics.StageBuckets });
    }

    /// <summary>Has the layers of confinement read whenever somebody looks; nothing as long as they are not known.</summary>
    public void ObserveConfinement(Func<ConfinementLayers?> read) => _meter.CreateObservableGauge(
        "glance_staging_child_confinement",
        () => read()?.ByName.Select(layer => new Measurement<int>(
            layer.Holds ? 1 : 0, new KeyValuePair<string, object?>("mechanism", layer.Mechanism))) ?? [],
        description: "Whether child processes are confined, by mechanism.");

    public void ChildEnded(Tool tool, ChildEnd end, TimeSpan elapsed)
    {
        var name = new KeyValuePair<string, object?>("tool", ToolPaths.NameOf(tool));
        _children.Add(1, name, new KeyValuePair<string, object?>("result", end.Label()));
        _childDuration.Record(elapsed.TotalSeconds, name);
    }
}
