using Sidecar.Background;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// Gives memory back to the machine when a burst is over. .NET gives pages back when it collects, and a daemon that has
/// become idle allocates nothing and so never does. A setting of the collector (<c>ConserveMemory</c>, <c>RetainVM</c>) has a
/// say only when it collects; so this asks for one collection, while nothing is going on that its pause could hold up.
/// </summary>
internal sealed class MemoryReturn(LargeBlockPoolFactory pools, LoopHealth loops, TimeProvider clock)
    : PeriodicService("memory", TimeSpan.FromSeconds(10), FirstRound.AfterTheInterval, loops, clock)
{
    // Scrapes and probes allocate less in a round, anything that receives or sends more, or holds blocks.
    private const long QuietBytes = 4 << 20;
    private const int QuietBlocks = 4;

    // Less is not worth a collection.
    private const long WorthwhileBytes = 32 << 20;

    private long _allocated;
    private long _leastUsed; // zero at first, so that the first quiet round gives back what the start left

    protected override Task RoundAsync(CancellationToken stoppingToken)
    {
        pools.Pool.Trim();
        var before = _allocated;
        _allocated = GC.GetTotalAllocatedBytes();
        var used = Environment.WorkingSet;
        _leastUsed = Math.Min(_leastUsed, used);
        if (_allocated - before > QuietBytes || pools.Pool.Lent > QuietBlocks) return Task.CompletedTask;
        if (used - _leastUsed < WorthwhileBytes) return Task.CompletedTask;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _leastUsed = Environment.WorkingSet;
        return Task.CompletedTask;
    }
}
