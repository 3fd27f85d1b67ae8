using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Import.Settings;
using Sidecar.Staging.Core;

namespace Sidecar.Import.Queue;

/// <summary>
/// The imports of this pod. An import is started once and then lives on its own: it waits for a free slot, runs its
/// stages, and stays, with its output, until it is released, its image is deleted or its retention ends.
/// <para>
/// An import is named by the caller, so that a retry attaches instead of running twice. It may be watched by any
/// number of callers; none of them keeps it alive or stops it by leaving. Several imports of one image may run at
/// once, each in a directory of its own; the staged file is only ever read.
/// </para>
/// <para>
/// What is on disk is enough to say after a crash what became of every import: a finished one is listed again, one
/// that waited or ran is reported as interrupted, without files, and runs again when it is started again by its id.
/// </para>
/// </summary>
internal sealed partial class ImportQueue
{
    // Often enough for a progress bar, rarely enough for a network.
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    private readonly ImportPipeline _pipeline;
    private readonly ImportJournal _journal;
    private readonly Func<ImageId, StagedImage> _getImage;
    private readonly ImportMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<ImportQueue> _logger;
    private readonly TimeSpan _retention;
    private readonly int _slots;

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, ImportJob> _jobs = [];
    private readonly HashSet<Guid> _removing = [];
    private readonly LinkedList<ImportJob> _waiting = [];
    private int _running;
    private bool _stopping;

    /// <param name="getImage">Answers a staged image, or throws <see cref="StagingError.ImageNotFound"/>.</param>
    public ImportQueue(
        ImportPipeline pipeline,
        StagingLayout layout,
        Func<ImageId, StagedImage> getImage,
        IOptions<ImportOptions> options,
        ImportMetrics metrics,
        TimeProvider time,
        ILogger<ImportQueue> logger)
    {
        _pipeline = pipeline;
        _journal = new ImportJournal(layout);
        _getImage = getImage;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _retention = options.Value.Retention;
        _slots = options.Value.ResolveMaxConcurrent();
        metrics.ObserveActive(CountActive);
    }

    /// <summary>
    /// Starts an import, or attaches to the one of the same id, running or finished. One that was interrupted by a
    /// restart is run again. Durable when it returns: after a crash the id is known.
    /// </summary>
    /// <exception cref="ImportException">
    /// InvalidRequest, UnknownStage, RequestDiffers, Draining, NoSpace; ImportInterrupted while one of this id is being removed.
    /// </exception>
    /// <exception cref="StagingException"><see cref="StagingError.ImageNotFound"/>.</exception>
    public ImportSnapshot Start(ImportRequest request)
    {
        RequestRules.Check(request);
        var stages = _pipeline.Resolve(request);
        if (request.ImportId == Guid.Empty) request = request with { ImportId = Guid.NewGuid() };
        var (job, isNew) = FindOrAdd(request, stages);
        if (isNew) Enqueue(job);
        // Whoever attaches while the first caller still writes it is told no sooner, and the same.
        else job.Recorded.GetAwaiter().GetResult();
        return job.Snapshot();
    }

    private (ImportJob Job, bool IsNew) FindOrAdd(ImportRequest request, IReadOnlyList<string> stages)
    {
        lock (_lock)
        {
            if (FindToAttach(request) is { } existing) return (existing, false);
            if (_stopping) throw Draining();
            // Here, and not before the lock: a delete removes the image and then the imports that are listed. So either there is
            // no image any more, or the delete finds this import.
            _getImage(request.ImageId);
            var kills = _jobs.GetValueOrDefault(request.ImportId)?.Snapshot().Kills ?? 0;
            var job = new ImportJob(request, stages, _time, kills);
            _jobs[request.ImportId] = job;
            return (job, true);
        }
    }

    /// <exception cref="ImportException"><see cref="ImportError.ImportNotFound"/>.</exception>
    public ImportSnapshot Get(Guid importId) => GetJob(importId).Snapshot();

    /// <summary>As <see cref="Get"/>; null when there is none.</summary>
    public ImportSnapshot? Find(Guid importId)
    {
        lock (_lock) return _jobs.GetValueOrDefault(importId)?.Snapshot();
    }

    /// <summary>All imports, or those of one image, oldest first.</summary>
    public IReadOnlyList<ImportSnapshot> List(ImageId? imageId = null)
    {
        lock (_lock)
        {
            return
            [
                .. _jobs.Values
                    .Where(job => imageId == null || job.Request.ImageId == imageId)
                    .Select(job => job.Snapshot())
                    .OrderBy(import => import.CreatedAt),
            ];
        }
    }

    /// <summary>
    /// The import as it is, at once, and then whenever it changes; ends after the terminal state. Steps from state to
    /// state are told at once, progress five times a second. A watcher that leaves does not stop the import.
    /// </summary>
    /// <exception cref="ImportException"><see cref="ImportError.ImportNotFound"/>.</exception>
    public async IAsyncEnumerable<ImportSnapshot> WatchAsync(
        Guid importId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var job = GetJob(importId);
        while (true)
        {
            // Snapshot and signals are of one moment: what changes after it, even before the wait below, has fired them.
            var (snapshot, stateChanged, changed) = job.Observe();
            yield return snapshot;
            if (snapshot.IsFinished) yield break;
            await changed.WaitAsync(cancellationToken);
            if (stateChanged.IsCompleted) continue;
            await Task.WhenAny(stateChanged, Task.Delay(ProgressInterval, _time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>
    /// Cancels an import and returns when its child processes are dead and its files gone. One that has ended
    /// already is left as it is.
    /// </summary>
    /// <exception cref="ImportException"><see cref="ImportError.ImportNotFound"/>.</exception>
    public async Task<ImportSnapshot> CancelAsync(Guid importId, CancellationToken cancellationToken)
    {
        var job = GetJob(importId);
        Stop(job, stopping: false);
        await job.Ended.WaitAsync(cancellationToken);
        return job.Snapshot();
    }

    /// <summary>Removes a finished import with its output; the staged image stays.</summary>
    /// <returns>Bytes of the files that were removed.</returns>
    /// <exception cref="ImportException">ImportNotFound, ImportRunning.</exception>
    public Task<long> ReleaseAsync(Guid importId)
    {
        ImportJob job;
        lock (_lock)
        {
            job = GetJob(importId);
            var state = job.Snapshot().State;
            if (!job.Ended.IsCompleted) throw StillRunning(importId, state);
            // In one step: a start of the same id between the two would write into a directory that is being removed.
            _jobs.Remove(importId);
            _removing.Add(importId);
        }

        // On the pool: removing a large file takes its time.
        return Task.Run(() => Remove(job));
    }

    /// <summary>Cancels and removes all imports of an image, for when the image is deleted.</summary>
    /// <returns>Bytes of the files that were removed.</returns>
    public Task<long> RemoveForImageAsync(ImageId imageId, CancellationToken cancellationToken) =>
        RemoveForImageAsync(imageId, DateTimeOffset.MaxValue, cancellationToken);

    /// <summary>As above, but leaves alone those that were started after <paramref name="limit"/>.</summary>
    public async Task<long> RemoveForImageAsync(
        ImageId imageId, DateTimeOffset limit, CancellationToken cancellationToken)
    {
        var bytes = 0L;
        foreach (var import in List(imageId).Where(import => import.CreatedAt <= limit))
        {
            try
            {
                await CancelAsync(import.ImportId, cancellationToken);
                bytes += await ReleaseAsync(import.ImportId);
            }
            catch (ImportException gone) when (gone.Error == ImportError.ImportNotFound)
            {
                // Somebody released it in the meantime.
            }
        }

        return bytes;
    }

    private ImportJob? FindToAttach(ImportRequest request)
    {
        // Its directory is being removed; a new one must not share that fate.
        if (_removing.Contains(request.ImportId)) throw BeingRemoved(request.ImportId);
        if (!_jobs.TryGetValue(request.ImportId, out var job)) return null;
        if (RequestRules.Difference(job.Request, request) is { } field)
        {
            throw new ImportException(
                ImportError.RequestDiffers,
                $"Import {request.ImportId} exists with another {field}: use a new import id for another import.",
                ("field", field));
        }

        return job.Snapshot().Failure?.Error == ImportError.ImportInterrupted ? null : job;
    }

    private ImportJob GetJob(Guid importId)
    {
        lock (_lock)
        {
            if (_jobs.TryGetValue(importId, out var job)) return job;
        }

        throw new ImportException(
            ImportError.ImportNotFound,
            $"There is no import {importId} here: it was released, or never started.",
            ("import_id", importId));
    }

    private (int Queued, int Running) CountActive()
    {
        lock (_lock) return (_waiting.Count, _running);
    }

    // As one that a restart interrupted: a drain may take the import of a caller who waits for it.
    private static ImportException BeingRemoved(Guid importId) => new(
        ImportError.ImportInterrupted,
        $"Import {importId} is being removed. Start it again by the same id to run it again.",
        ("import_id", importId));

    private static ImportException StillRunning(Guid importId, ImportState state) => new(
        ImportError.ImportRunning,
        $"Import {importId} has not ended: cancel it first, or wait for its end.",
        ("state", state));

    private static ImportException Draining() => new(
        ImportError.Draining, "The sidecar is stopping and starts no imports: try again when it is back.");
}
