using Sidecar.Stores.Core;
using Sidecar.Stores.Journal;

namespace Sidecar.Stores.Writing;

/// <summary>What is removed from stores, and from what is known of them.</summary>
internal sealed partial class StoreWrites
{
    /// <summary>
    /// Ends a write that runs and removes what the store has of it, unless Glance's image has it by now.
    /// </summary>
    /// <returns>Whether there was anything.</returns>
    /// <exception cref="StoreException">The store cannot be reached; or <see cref="StoreError.InvalidRequest"/>.</exception>
    public Task<bool> DiscardAsync(StoreKey key, StoreTarget target) => DiscardAsync(key, target, partOnly: false);

    /// <summary>
    /// Forgets a write that was cut off here, with what the store has of it, as another pod is about to write the same: its image bears
    /// the same mark, and must not be discarded for the sake of this record.
    /// </summary>
    /// <exception cref="StoreException">The store cannot be reached; or <see cref="StoreError.InvalidRequest"/>.</exception>
    public async Task LeaveToAnotherAsync(StoreKey key, StoreTarget target)
    {
        if (journal.Find(key) is { State: StoreState.Writing }) await DiscardAsync(key, target, partOnly: true);
    }

    /// <summary>
    /// Begins no more writes, ends those that run, and removes what stores have of them: this pod may never come back to do so. A
    /// store that cannot be reached keeps its part, which is logged.
    /// </summary>
    public Task GiveUpAsync()
    {
        var parts = StopAll().Select(request => (request.Key, request.Target))
            .Concat(journal.Records.Where(record => record.State == StoreState.Writing && record.Place is not null)
                .Select(record => (record.Key, Target: record.Place!)))
            .DistinctBy(part => part.Key);
        return Task.WhenAll(parts.Select(part => TryRemovePartAsync(part.Key, part.Target)));
    }

    private async Task<bool> TryRemovePartAsync(StoreKey key, StoreTarget target)
    {
        try
        {
            return await DiscardAsync(key, target, partOnly: true);
        }
        catch (StoreException failure)
        {
            StoresLog.NotDiscarded(
                logger, journal.Find(key)?.ImageId.ToString() ?? "", key.Store, $"{failure.Message} {failure.Detail}");
            return false;
        }
    }

    /// <summary>Forgets what nobody can ask for again, and removes from stores what was cut off of it.</summary>
    /// <returns>How many.</returns>
    public async Task<int> SweepAsync()
    {
        var removed = Forget(_ => true);
        foreach (var record in journal.Records.Where(record => record.State == StoreState.Writing && !IsRunning(record.Key)))
        {
            // Without a place it is left for whoever has the secret; of a source that is there the import is asked for again.
            if (record.Place is not { } place || sources.TryFind(record.SourceId) is not null) continue;
            try
            {
                // Another pod may have written the same since, by the same mark.
                if (await DiscardAsync(record.Key, place, partOnly: true)) removed++;
            }
            catch (StoreException failure)
            {
                StoresLog.NotDiscarded(logger, record.ImageId.ToString(), record.Store, $"{failure.Message} {failure.Detail}");
                if (failure.IsTransient) break; // others would wait as long, and hold up the next round
            }
        }

        return removed;
    }

    /// <summary>
    /// Forgets what was written of sources that are gone: it cannot be asked for again. What was cut off stays, as somebody has to
    /// remove it from the store.
    /// </summary>
    /// <param name="wanted">Which of them are looked at.</param>
    /// <returns>How many.</returns>
    public int Forget(Func<StoreRecord, bool> wanted)
    {
        var removed = 0;
        foreach (var record in journal.Records.Where(record => record.State != StoreState.Writing && wanted(record)))
        {
            if (sources.TryFind(record.SourceId) is not null) continue;
            lock (_lock)
            {
                // A write that runs finds out by itself.
                if (_running.ContainsKey(record.Key)) continue;
                journal.Remove(record.Key);
            }

            removed++;
        }

        return removed;
    }

    private async Task<bool> DiscardAsync(StoreKey key, StoreTarget target, bool partOnly)
    {
        StoreRequest.CheckStore(key.Store);
        target.Check();
        var discard = new StoreWrite(null);
        // Turn by turn: a write may begin between the end of one that was cancelled and this.
        while (TakeTurn(key, discard) is { } other) await other.Completion.ContinueWith(_ => { }, TaskScheduler.Default);

        if (journal.Find(key) is not { State: not StoreState.Confirmed } record)
        {
            Leave(key, discard, Task.FromException<StoredImage>(Discarded()));
            return false;
        }

        var run = Task.Run(async () =>
        {
            await attempts.DiscardAsync(record, target, partOnly, discard.Cancelled);
            journal.Remove(key);
            StoresLog.Discarded(logger, record.ImageId.ToString(), record.Store);
            return new StoredImage(0, new Dictionary<string, string>(), new Dictionary<string, string>());
        });
        await FollowAsync(key, discard, run);
        if (run.IsCanceled) throw Draining();
        await run;
        return true;
    }

    private StoreWrite? TakeTurn(StoreKey key, StoreWrite discard)
    {
        lock (_lock)
        {
            if (!_running.TryGetValue(key, out var other))
            {
                _running[key] = discard;
                return null;
            }

            // Under the lock, as long as it is listed: behind its end there is nothing left that could be cancelled. Another discard
            // is what is wanted here, too.
            if (other.Request is not null) other.Cancel();
            return other;
        }
    }
}
