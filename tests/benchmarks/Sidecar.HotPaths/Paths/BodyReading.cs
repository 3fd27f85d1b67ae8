using BenchmarkDotNet.Attributes;
using Glance.Sidecar.V1;
using Sidecar.Ingest.Tickets;
using Sidecar.Rpc.Uploads;
using Sidecar.Staging.Core;

namespace Sidecar.HotPaths;

/// <summary>The next bytes of a client's request that waits at the ingest, as a frame.</summary>
public class BodyReading : HotPath
{
    private readonly CancellationTokenSource _waiting = new();
    private readonly HeldBody _body = new(ImageId.New(), null, new FullBody(Blocks.OfNoise(1 << 20)), 0);
    private readonly BodyFrames _frames;

    public BodyReading() => _frames = new BodyFrames(_body, new StageHeader(), long.MaxValue);

    [Benchmark]
    [Budget(432, BytesOfDebugBuild = 656)]
    public Task<bool> Read() => _frames.MoveNext(_waiting.Token);

    protected override void Dispose(bool disposing)
    {
        _frames.Dispose();
        _body.Dispose();
        _waiting.Dispose();
        base.Dispose(disposing);
    }
}
