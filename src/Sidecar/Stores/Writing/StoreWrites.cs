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
internal sealed partial class StoreWrites(
    StoreJournal journal, StoreSources sources, SourceDisks disks, StoreAttempts attempts, IOptions<StoresOptions> options,
    StoreMetrics metrics, ILogger<StoreWrites> logger) : IAsyncDisposable
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

        metrics.ObserveActive(() => Running);
    }

    /// <summary>Writes that wait or run.</summary>
    public int Running
    {
        get
        {
            lock (_lock) return _running.Count;
        }
    }

    /// <summary>Begins a write, or attaches to the one that runs.</summary>
    /// <exception cref="StoreException">InvalidRequest, StoreSourceGone, StoreDiffers, StoreDiscarded.</exception>
    /// <exception cref="StagingException"><see cref="StagingError.Draining"/>.</exception>
    public StoreWrite Start(StoreRequest request)
    {
        request.Check();
        lock (_lock)
        {
            // Also of what is being removed by that: it is not that somebody does not want it.
            if (_stopping) throw Draining();
            if (_running.TryGetValue(request.Key, out var running)) return Attach(running, request);
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

    /// <summary>Whether there is something here to be written.</summary>
    public bool HasSource(Guid sourceId) => sources.TryFind(sourceId) is not null;

    /// <summary>Whether a write was ever begun here that may still be discarded or confirmed.</summary>
    public bool Knows(StoreKey key) => journal.Find(key) is not null || IsRunning(key);

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

    /// <summary>Ends all writes; what the stores have of them is removed by the next attempt.</summary>
    public void Stop() => StopAll();

    // Under one lock: one that ends by it must not be gone before it is listed.
    private List<StoreRequest> StopAll()
    {
        lock (_lock)
        {
            _stopping = true;
            foreach (var write in _running.Values) write.Cancel();
            return [.. _running.Values.Select(write => write.Request).OfType<StoreRequest>()];
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
