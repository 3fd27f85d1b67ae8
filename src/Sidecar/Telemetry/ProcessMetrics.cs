using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sidecar.Telemetry;

/// <summary>
/// What the process itself costs, where OpenTelemetry's instrumentation has nothing of the name that Prometheus' own
/// client libraries use: its CPU time is of two modes, which the SDK cannot add up, and it has no time of the start.
/// </summary>
internal static class ProcessMetrics
{
    public static void Observe(Meter meter)
    {
        var started = StartOfProcess();
        meter.CreateObservableGauge(
            "process_start_time_seconds", () => started, "s", "When the process started, as a Unix time.");
        meter.CreateObservableCounter(
            "process_cpu_seconds", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "User and system CPU time.");
        meter.CreateObservableCounter(
            "process_allocated_bytes", () => GC.GetTotalAllocatedBytes(), "By", "Managed memory allocated since the start.");
    }

    private static double StartOfProcess()
    {
        using var process = Process.GetCurrentProcess();
        return new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0;
    }
}
