using System.Buffers;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;

namespace Sidecar.HotPaths;

/// <summary>All that an upload does with a chunk, on the thread that received it; the chunk is small, so that the rest shows.</summary>
public class ChunkAppending : HotPath
{
    private const int ChunkBytes = 4 << 10;

    // Then it begins anew, so that the file stays small.
    private const int MostBytes = 64 << 20;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hot-paths-");
    private readonly ReadOnlySequence<byte> _chunk = Blocks.OfNoise(ChunkBytes);
    private readonly MeasuredMetrics _metrics = new();
    private readonly StagingArea _area;
    private readonly uint _crc;
    private UploadWriter _writer;

    public ChunkAppending()
    {
        var options = new StagingOptions { ReserveBytes = 0, LowWatermarkPercent = 0, HighWatermarkPercent = 0 };
        var layout = new StagingLayout(Path.Combine(_directory.FullName, "staging"));
        var context = new StagingContext(
            options, layout, new StagingMetrics(_metrics.Factory), TimeProvider.System, NullLogger.Instance,
            (_, _, _, _) => ImageValidation.Nothing, (_, _, _, _) => []);
        _area = new StagingArea(context, new SpaceLedger(() => new VolumeSpace(1L << 40, 1L << 40), options));
        _crc = Crc32C.Append(Crc32C.Empty, _chunk);
        _writer = Begin();
    }

    [Benchmark]
    [Budget(64)]
    public void Append()
    {
        if (_writer.ReceivedOffset >= MostBytes) BeginAnew();
        _writer.Append(_chunk, null, _crc);
    }

    protected override void Dispose(bool disposing)
    {
        End();
        _area.Dispose();
        _metrics.Dispose();
        _directory.Delete(recursive: true);
        base.Dispose(disposing);
    }

    private void BeginAnew()
    {
        End();
        _writer = Begin();
    }

    private UploadWriter Begin()
    {
        var header = new UploadHeader(
            ImageId.New(), null, new Dictionary<string, string>(), "", TimeProvider.System.GetUtcNow(), BootId.Current);
        return _area.BeginUploadAsync(header, null, CancellationToken.None).GetAwaiter().GetResult();
    }

    private void End()
    {
        _writer.Abandon();
        _writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
