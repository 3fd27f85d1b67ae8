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
    private TimeSpan _wanted;

    /// <summary>Before the next attempt: longer after each failure, and as long as the server wants, within limits.</summary>
    public TimeSpan Delay
    {
        get
        {
            var growing = options.RetryDelay.Ticks * Math.Pow(2, _failures - 1);
            return TimeSpan.FromTicks((long)Math.Min(LongestDelay.Ticks, Math.Max(growing, _wanted.Ticks)));
        }
    }

    /// <summary>Whether it is tried again after this failure, at that offset.</summary>
    public bool Allow(DownloadException failure, long offset)
    {
        if (failure.Remedy == Remedy.None || (failure.Remedy == Remedy.FromStart && !AllowRestart())) return false;
        if (offset >= _mark + ProgressBytes) (_failures, _mark) = (0, offset);
        _wanted = failure.RetryAfter ?? TimeSpan.Zero;
        return ++_failures < options.Attempts;
    }

    /// <summary>Whether it may begin anew once more.</summary>
    public bool AllowRestart() => ++_restarts <= MaxRestarts;
}
