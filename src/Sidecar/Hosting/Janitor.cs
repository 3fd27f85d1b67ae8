using Sidecar.Background;
using Sidecar.Hosting.Listening;
using Sidecar.Import.Queue;
using Sidecar.Routing.Deleting;
using Sidecar.Routing.Outputs;
using Sidecar.Staging;
using Sidecar.Stores.Writing;

namespace Sidecar.Hosting;

/// <summary>
/// Removes, every few minutes, what nobody wants any more: expired uploads, imports, fetched outputs, records of
/// writes to stores, and tombstones.
/// </summary>
internal sealed class Janitor(
    StagingArea area, ImportQueue imports, FetchedOutputs outputs, StoreWrites stores, Tombstones tombstones, HostingMetrics metrics,
    LoopHealth loops, TimeProvider clock)
    : PeriodicService("janitor", TimeSpan.FromMinutes(5), FirstRound.AtOnce, loops, clock)
{
    private readonly TimeProvider _clock = clock;

    protected override async Task RoundAsync(CancellationToken stoppingToken)
    {
        var failures = new List<Exception>();
        await SweepAsync("import", () => imports.SweepAsync(_clock.GetUtcNow(), stoppingToken), failures);
        await SweepAsync("output", () => outputs.SweepAsync(_clock.GetUtcNow()), failures);
        await SweepAsync("upload", () => area.SweepAsync(stoppingToken), failures);
        await SweepAsync("tombstone", () => Task.FromResult(tombstones.Sweep(_clock.GetUtcNow())), failures);
        // The last, as it may have to wait for a store.
        await SweepAsync("store_record", stores.SweepAsync, failures);
        stoppingToken.ThrowIfCancellationRequested();
        metrics.Swept(failures.Count == 0);
        if (failures.Count > 0) throw failures is [var only] ? only : new AggregateException(failures);
    }

    // What cannot be removed of one kind must not keep the others for ever.
    private async Task SweepAsync(string kind, Func<Task<int>> sweep, List<Exception> failures)
    {
        try
        {
            metrics.Removed(kind, await sweep());
        }
        catch (Exception failure)
        {
            failures.Add(failure);
        }
    }
}
