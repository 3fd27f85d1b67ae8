using Sidecar.Downloads.Core;

namespace Sidecar.Downloads.Fetching;

/// <summary>
/// How often one download is tried. Attempts that get somewhere do not count, so that a connection which breaks every few hundred
/// megabytes ends no download; what counts as getting somewhere is enough that a server cannot hold one for ever byte by byte.
/// </summary>
internal sealed class Retries(DownloadsOptions options)
{
    private const long ProgressBytes = 1 << 20;
    private const int MaxRestarts = 3;

    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(30);

    private int _failures;
    private int _restarts;
    private long _mark;

    public TimeSpan Delay =>
        TimeSpan.FromTicks((long)Math.Min(LongestDelay.Ticks, options.RetryDelay.Ticks * Math.Pow(2, _failures - 1)));

    /// <summary>Whether it is tried again after this failure, at that offset.</summary>
    public bool Allow(DownloadException failure, long offset)
    {
        if (failure.Remedy == Remedy.None || (failure.Remedy == Remedy.FromStart && !AllowRestart())) return false;
        if (offset >= _mark + ProgressBytes) (_failures, _mark) = (0, offset);
        return ++_failures < options.Attempts;
    }

    /// <summary>Whether it may begin anew once more.</summary>
    public bool AllowRestart() => ++_restarts <= MaxRestarts;
}
