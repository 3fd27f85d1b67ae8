using System.Buffers;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Sidecar.Telemetry.Prometheus;

/// <summary>
/// Answers a scrape: has the SDK collect every metric now and writes them. The official exporter is not to be had on the build
/// machines; this one does what its users need, the two formats with exemplars, and no more.
/// </summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    // The SDK waits this long for instruments that are read when somebody looks; ours look into memory.
    private const int CollectTimeoutMilliseconds = 10_000;

    private readonly Lock _lock = new();
    private ExpositionText? _text;
    private int _sizeHint = 64 * 1024;

    /// <summary>Set by the reader.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>The exposition as UTF-8.</summary>
    /// <exception cref="InvalidOperationException">The SDK could not collect.</exception>
    public ReadOnlyMemory<byte> Scrape(ExpositionFormat format)
    {
        lock (_lock)
        {
            var buffer = new ArrayBufferWriter<byte>(_sizeHint);
            _text = new ExpositionText(buffer, format);
            if (Collect?.Invoke(CollectTimeoutMilliseconds) != true)
            {
                throw new InvalidOperationException("The metrics could not be collected.");
            }

            if (format == ExpositionFormat.OpenMetrics) _text.Append("# EOF\n");
            _sizeHint = Math.Max(_sizeHint, buffer.WrittenCount + 1024);
            return buffer.WrittenMemory;
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        if (_text is not { } text) return ExportResult.Failure;
        var writer = new FamilyWriter(text);
        foreach (var metric in batch) writer.Write(metric);
        return ExportResult.Success;
    }
}
