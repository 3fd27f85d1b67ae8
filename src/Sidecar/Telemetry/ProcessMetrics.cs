using System.Diagnostics.Metrics;

namespace Sidecar.Telemetry;

/// <summary>What the process itself costs, by the names that Prometheus' own client libraries use.</summary>
internal static class ProcessMetrics
{
    public static void Observe(Meter meter)
    {
        meter.CreateObservableCounter(
            "process_cpu_seconds", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "User and system CPU time.");
        meter.CreateObservableGauge(
            "process_resident_memory_bytes", () => Environment.WorkingSet, "By", "Resident memory.");
        meter.CreateObservableCounter(
            "process_allocated_bytes", () => GC.GetTotalAllocatedBytes(), "By", "Managed memory allocated since the start.");
    }
}
