using System.Diagnostics;
using Sidecar.Staging.Core;

namespace Sidecar.Staging.Uploads;

/// <summary>
/// Where one upload's time goes: waiting for the client (or for the network to it), writing, waiting for
/// the digests, or committing. Told to the metrics
/// about once a second, so that an upload of hours shows while it runs.
/// </summary>
internal sealed class UploadStalls(StagingMetrics metrics) : IDisposable
{
    private static readonly long Step = Stopwatch.Frequency;

    private long _mark = Stopwatch.GetTimestamp();
    private long _client;
    private long _disk;
    private long _digests;

    /// <summary>The time since the last mark was spent waiting for the client.</summary>
    public void MarkClientWait() => Add(ref _client);

    /// <summary>The time since the last mark was spent writing.</summary>
    public void MarkDiskWait() => Add(ref _disk);

    /// <summary>The time since the last mark was spent waiting for the digests, which are slower than the client.</summary>
    public void MarkDigestWait() => Add(ref _digests);

    /// <summary>The time since the last mark was spent on the last fsync, the digests and the rename.</summary>
    public void MarkCommit() => metrics.Stalled("commit", Seconds(Lap()));

    public void Dispose() => Flush();

    private void Add(ref long cause)
    {
        cause += Lap();
        if (_client + _disk + _digests >= Step) Flush();
    }

    private long Lap()
    {
        var (before, now) = (_mark, Stopwatch.GetTimestamp());
        _mark = now;
        return now - before;
    }

    private void Flush()
    {
        metrics.Stalled("client", Seconds(_client));
        metrics.Stalled("disk", Seconds(_disk));
        metrics.Stalled("digests", Seconds(_digests));
        (_client, _disk, _digests) = (0, 0, 0);
    }

    private static double Seconds(long ticks) => (double)ticks / Stopwatch.Frequency;
}
