using BenchmarkDotNet.Attributes;
using Sidecar.Staging.Core;
using Sidecar.Staging.Uploads;

namespace Sidecar.HotPaths;

/// <summary>What is counted of every chunk.</summary>
public class ChunkMetrics : HotPath
{
    private readonly MeasuredMetrics _measured = new();
    private readonly StagingMetrics _metrics;
    private readonly UploadStalls _stalls;

    public ChunkMetrics()
    {
        _metrics = new StagingMetrics(_measured.Factory);
        _stalls = new UploadStalls(_metrics);
    }

    [Benchmark]
    [Budget(0)]
    public void CountBytes() => _metrics.Received(1 << 20);

    /// <summary>Once or twice a second they are told to the metrics.</summary>
    [Benchmark]
    [Budget(0)]
    public void MarkWaits()
    {
        _stalls.MarkClientWait();
        _stalls.MarkDiskWait();
    }

    [Benchmark]
    [Budget(0)]
    public void TellWaits() => _metrics.Stalled("client", 0.5);

    protected override void Dispose(bool disposing)
    {
        _stalls.Dispose();
        _measured.Dispose();
        base.Dispose(disposing);
    }
}
