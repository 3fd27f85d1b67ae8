using System.Diagnostics;
using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;
using Sidecar.Stores.Journal;
using Sidecar.Telemetry;

namespace Sidecar.Stores.Writing;

/// <summary>
/// The writes to stores of this pod. One is named by its source and its store: asked for again while it runs it is attached
/// to, and afterwards the store is asked whether it has what was written. Callers neither keep a write alive nor end it by leaving;
/// what ends it is a discard.
/// </summary>
internal sealed class StoreWrites(
    StoreJournal journal, StoreSources sources, SourceDisks disks, StoreAttempts attempts, IOptions<StoresOptions> options, StoreMetrics metrics,
    ILogger<StoreWrites> logger) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<StoreKey, StoreWrite> _running = [];
    private readonly SemaphoreSlim _slots = new(options.Value.MaxConcurrent);
    private bool _stopping;

    /// <summary>Reads what an earlier process left; see <see cref="StoreJournal"/>.</summary>
    public void Recover()
    {
        journal.Recover();
        disks.Recover();
        foreach (var record in journal.Records)
        {
            if (record.State == StoreState.Writing) StoresLog.CutOff(logger, record.ImageId.ToString(), record.Store);
        }

        metrics.ObserveActive(() => Count());
    }

    /// <summary>Begins a write, or attaches to the one that runs.</summary>
    /// <exception cref="StoreException">InvalidRequest, StoreSourceGone, StoreDiffers, StoreDiscarded.</exception>
    /// <exception cref="StagingException"><see cref="StagingError.Draining"/>.</exception>
    public StoreWrite Start(StoreRequest request)
    {
        request.Check();
        lock (_lock)
        {
            if (_running.TryGetValue(request.Key, out var running)) return Attach(running, request);
            if (_stopping) throw Draining();
            var source = sources.Find(request.SourceId);
            var begun = request.Others.Where(IsNew).Prepend(request)
                .Select(each => (Request: each, Write: new StoreWrite(each) { Total = source.Size })).ToList();
            // What was written before is only looked for in its store, which needs no read.
            var joint = begun.Count > 1 && IsNew(request) ? attempts.Join(begun, source) : null;
            foreach (var (each, write) in begun)
            {
                _running[each.Key] = write;
                _ = FollowAsync(each.Key, write, Task.Run(() => RunAsync(write, each, source, joint)));
            }

            return begun[0].Write;
        }
    }

    // Under the lock.
    private bool IsNew(StoreRequest request) =>
        !_running.ContainsKey(request.Key) && journal.Find(request.Key) is not { State: not StoreState.Writing };

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

    /// <summary>Whether there is something here to be written.</summary>
    public bool HasSource(Guid sourceId) => sources.TryFind(sourceId) is not null;

    /// <summary>Whether a write was ever begun here that may still be discarded or confirmed.</summary>
    public bool Knows(StoreKey key) => journal.Find(key) is not null || IsRunning(key);

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

    /// <summary>Glance's image has what was written, which is never discarded from now on.</summary>
    /// <returns>Whether there is such a write.</returns>
    public bool Confirm(StoreKey key)
    {
        StoreRequest.CheckStore(key.Store);
        lock (_lock)
        {
            // A discard takes its turn under this lock and looks at the state after that: so either it finds the image confirmed, or
            // the caller hears that there is nothing any more.
            if (_running.TryGetValue(key, out var running) && running.Request is null) return false;
            if (journal.Find(key) is not { State: not StoreState.Writing } record) return false;
            if (record.State == StoreState.Written) journal.Write(record with { State = StoreState.Confirmed, ChangedAt = attempts.Now });
            return true;
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

    /// <summary>Ends all writes; what the stores have of them is removed by the next attempt.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping = true;
            foreach (var write in _running.Values) write.Cancel();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        List<StoreWrite> running;
        lock (_lock) running = [.. _running.Values];
        foreach (var write in running) await write.Completion.ContinueWith(_ => { }, TaskScheduler.Default);
        _slots.Dispose();
    }

    private int Count()
    {
        lock (_lock) return _running.Count;
    }

    private bool IsRunning(StoreKey key)
    {
        lock (_lock) return _running.ContainsKey(key);
    }

    private static StoreWrite Attach(StoreWrite running, StoreRequest request)
    {
        if (running.Request is not { } other) throw Discarded();
        if (other.Difference(request) is not { } field) return running;
        throw new StoreException(
            StoreError.StoreDiffers,
            $"The same is being written to store {request.Store} with another {field}: wait for its end, or discard it.", ("field", field));
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

    private async Task FollowAsync(StoreKey key, StoreWrite write, Task<StoredImage> run)
    {
        await run.ContinueWith(_ => { }, TaskScheduler.Default);
        Leave(key, write, run);
    }

    // First the turn, then the word: whoever hears of the end may ask for the same again at once.
    private void Leave(StoreKey key, StoreWrite write, Task<StoredImage> ended)
    {
        lock (_lock) _running.Remove(key);
        write.Complete(ended);
        write.Dispose();
    }

    private async Task<StoredImage> RunAsync(StoreWrite write, StoreRequest request, StoreSource source, JointAttempt? joint)
    {
        var started = Stopwatch.GetTimestamp();
        var failed = StoreError.StoreFailed.Reason();
        try
        {
            await _slots.WaitAsync(write.Cancelled);
            try
            {
                var image = await attempts.WriteAsync(request, source, write, joint);
                failed = "";
                StoresLog.Written(logger, source.ImageId.ToString(), request.Store, image.Size);
                return image;
            }
            finally
            {
                _slots.Release();
            }
        }
        catch (OperationCanceledException) when (write.Cancelled.IsCancellationRequested)
        {
            failed = StoreError.StoreDiscarded.Reason();
            throw _stopping ? Draining() : Discarded();
        }
        catch (StoreException failure)
        {
            failed = failure.Error.Reason();
            StoresLog.Failed(logger, source.ImageId.ToString(), request.Store, failed, failure.Message, failure.Detail);
            throw;
        }
        catch (ImportException failure)
        {
            failed = failure.Error.Reason();
            StoresLog.Failed(logger, source.ImageId.ToString(), request.Store, failed, failure.Message, Text.OneLine(failure.Detail));
            throw;
        }
        finally
        {
            metrics.Ended(request.Target.Kind, failed, failed.Length == 0 ? source.Size : 0, Stopwatch.GetElapsedTime(started));
        }
    }

    private static StagingException Draining() => new(
        StagingError.Draining, "The sidecar is stopping. Ask again when it has started: a write that was cut off begins anew.");

    private static StoreException Discarded() =>
        new(StoreError.StoreDiscarded, "What was written to the store is being discarded, or was: ask again if it is wanted.");
}
