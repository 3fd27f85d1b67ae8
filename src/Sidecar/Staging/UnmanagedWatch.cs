using Sidecar.Background;
using Sidecar.Staging.Disk;

namespace Sidecar.Staging;

/// <summary>
/// How many files of others the staging directory has, at most a minute ago. Counting them reads the whole directory,
/// which is nothing to do for a scrape, or for each of a hundred peers that ask every few seconds.
/// </summary>
internal sealed class UnmanagedWatch(StagingArea area, LoopHealth loops, TimeProvider clock)
    : PeriodicService("unmanaged_files", TimeSpan.FromMinutes(1), FirstRound.AtOnce, loops, clock)
{
    private readonly Lock _lock = new();
    private UnmanagedFiles _current;

    /// <summary>The last count; nothing before the first one, which begins with the daemon.</summary>
    public UnmanagedFiles Current
    {
        get
        {
            lock (_lock) return _current;
        }
    }

    protected override Task RoundAsync(CancellationToken stoppingToken)
    {
        var counted = area.CountUnmanaged();
        lock (_lock) _current = counted;
        return Task.CompletedTask;
    }
}
