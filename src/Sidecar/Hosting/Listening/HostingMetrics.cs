using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Hosting.Listening;

/// <summary>Instruments of the process and of its housekeeping.</summary>
internal sealed class HostingMetrics
{
    private readonly Counter<long> _removed;
    private readonly Counter<long> _sweeps;
    private readonly Counter<long> _connectionsClosed;

    public HostingMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(SidecarActivities.SourceName);
        meter.CreateObservableGauge(
            "glance_staging_build_info", () => new Measurement<int>(1, Tag("version", SidecarVersion.Text)),
            description: "1, and the version that runs.");
        ProcessMetrics.Observe(meter);
        _removed = meter.CreateCounter<long>(
            "glance_staging_janitor_removed", "{item}", "What was removed because nobody wanted it any more, by kind.");
        _sweeps = meter.CreateCounter<long>("glance_staging_janitor_sweeps", "{sweep}", "Sweeps, by result.");
        _connectionsClosed = meter.CreateCounter<long>(
            "glance_staging_connections_closed", "{connection}",
            "Connections closed because their listener had as many as it may have, by listener.");
        // An alert sees an increase only from a sample before it.
        _sweeps.Add(0, Tag("result", "failed"));
    }

    /// <param name="kind">upload, import, output or tombstone.</param>
    public void Removed(string kind, int count) => _removed.Add(count, Tag("kind", kind));

    public void Swept(bool succeeded) => _sweeps.Add(1, Tag("result", succeeded ? "succeeded" : "failed"));

    public void ConnectionClosed(ListenerRole listener) =>
        _connectionsClosed.Add(1, Tag("listener", listener.ToString().ToLowerInvariant()));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
