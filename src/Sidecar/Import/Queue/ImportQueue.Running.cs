using Sidecar.Import.Core;
using Sidecar.Telemetry;

namespace Sidecar.Import.Queue;

/// <summary>How an import gets its turn and runs.</summary>
internal sealed partial class ImportQueue
{
    private void Enqueue(ImportJob job)
    {
        try
        {
            _journal.Create(job.Snapshot());
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw GiveUp(job, failure);
        }

        job.SetRecorded();
        lock (_lock)
        {
            // It was in the table while it was written, where a cancel found it, but not among those that wait: that cancel
            // is answered here, and not when there is a free slot.
            if (!job.IsStopRequested)
            {
                _waiting.AddLast(job);
                if (_running >= _slots) _logger.ImportQueued(job.Request.ImportId, job.Request.ImageId);
                FillSlots();
                return;
            }
        }

        Announce(job, ConcludeStopped(job));
    }

    /// <summary>Nothing could be written about it: it never was.</summary>
    private ImportException GiveUp(ImportJob job, Exception failure)
    {
        var why = Describe(job, failure, "");
        lock (_lock) _jobs.Remove(job.Request.ImportId);
        TryRemoveFiles(job, () => _journal.Remove(job.Request.ImportId));
        job.Finish(job.Conclude(ImportState.Failed, null, why));
        var refusal = new ImportException(
            why.Error, why.Message, failure, [.. why.Facts.Select(fact => (fact.Key, (object?)fact.Value))]);
        job.SetNotRecorded(refusal);
        return refusal;
    }

    private void FillSlots()
    {
        while (_running < _slots && _waiting.First is { } next)
        {
            _waiting.RemoveFirst();
            _running++;
            next.Value.Running = Task.Run(() => RunInSlotAsync(next.Value));
        }
    }

    private async Task RunInSlotAsync(ImportJob job)
    {
        var conclusion = await RunAsync(job);
        // The slot first, the end afterwards: whoever sees the end and starts another import must not find all slots taken.
        lock (_lock)
        {
            _running--;
            FillSlots();
        }

        Announce(job, conclusion);
    }

    private async Task<ImportSnapshot> RunAsync(ImportJob job)
    {
        using var span = SidecarActivities.Start("import", job.Caller);
        span?.SetTag("glance.image.id", job.Request.ImageId.ToString());
        span?.SetTag("glance.import.id", job.Request.ImportId.ToString());
        span?.SetTag("glance.request.id", Text.OneLine(job.Request.RequestId));
        var conclusion = await RunStagesAsync(job);
        if (conclusion.Failure is { } failure) span.Fail(failure.Error.Reason(), failure.Message);
        return conclusion;
    }

    private async Task<ImportSnapshot> RunStagesAsync(ImportJob job)
    {
        try
        {
            job.Cancelled.ThrowIfCancellationRequested();
            job.Start();
            _journal.MarkRunning(job.Request.ImportId);
            _logger.ImportStarted(
                job.Request.ImportId, job.Request.ImageId, string.Join(", ", job.Stages), job.Request.RequestId);
            var image = _getImage(job.Request.ImageId);
            var result = await _pipeline.RunAsync(job, image, job.Cancelled);
            _journal.MarkRunning(job.Request.ImportId, isRunning: false);
            var success = job.Conclude(ImportState.Succeeded, result, null);
            // The point of no return: whoever starts it again from here on is given this result.
            _journal.Write(success);
            return success;
        }
        catch (OperationCanceledException) when (job.Cancelled.IsCancellationRequested)
        {
            return ConcludeStopped(job);
        }
#pragma warning disable CA1031 // The root of the import's task: whatever happened is its failure.
        catch (Exception failure)
        {
            return ConcludeFailed(job, failure);
        }
#pragma warning restore CA1031
    }

    private ImportSnapshot ConcludeFailed(ImportJob job, Exception exception)
    {
        var failure = Describe(job, exception, FailedStage(job));
        return RemoveAndRecord(job, job.Conclude(ImportState.Failed, null, failure));
    }

    // The log has what the failure leaves out, as the owner of the image reads that: a bug's text, and names of the pod's files.
    private ImportFailure Describe(ImportJob job, Exception exception, string stage)
    {
        var failure = ImportFailure.FromException(exception, stage);
        if (failure.Error == ImportError.InternalError) _logger.ImportBroke(job.Request.ImportId, exception);
        if (exception is IOException or UnauthorizedAccessException)
        {
            _logger.ImportFileFailed(job.Request.ImportId, Text.OneLine(exception.Message));
        }

        return failure;
    }

    private ImportSnapshot ConcludeStopped(ImportJob job)
    {
        if (!job.IsStopping)
        {
            var cancelled = ImportFailure.Of(
                ImportError.Cancelled, "The import was cancelled. Start a new one to try again.", FailedStage(job));
            return RemoveAndRecord(job, job.Conclude(ImportState.Cancelled, null, cancelled));
        }

        // The journal still says that it waits or runs, which the next start reads as interrupted.
        TryRemoveFiles(job, () => _journal.RemoveWorkFiles(job.Request.ImportId));
        return job.Conclude(ImportState.Failed, null, Interrupted());
    }

    /// <summary>Files first: on a full disk the journal may need their space.</summary>
    private ImportSnapshot RemoveAndRecord(ImportJob job, ImportSnapshot conclusion)
    {
        TryRemoveFiles(job, () => _journal.RemoveWorkFiles(job.Request.ImportId));
        try
        {
            _journal.Write(conclusion);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is told from memory as it is; after a restart it counts as interrupted.
            _logger.JournalFailed(job.Request.ImportId, failure.Message);
        }

        return conclusion;
    }

    private void TryRemoveFiles(ImportJob job, Func<long> remove)
    {
        try
        {
            remove();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _logger.CleanUpFailed(job.Request.ImportId, failure.Message);
        }
    }

    private void Announce(ImportJob job, ImportSnapshot conclusion)
    {
        _metrics.Finished(conclusion);
        if (conclusion.Result is { } result)
        {
            var seconds = (conclusion.FinishedAt!.Value - conclusion.StartedAt!.Value).TotalSeconds;
            _logger.ImportSucceeded(
                job.Request.ImportId, job.Request.ImageId, seconds, result.DiskFormat, result.Size);
        }
        else if (conclusion.Failure is { } failure)
        {
            var (reason, message) = (failure.Error.Reason(), Text.OneLine(failure.Message));
            _logger.ImportEnded(
                job.Request.ImportId, job.Request.ImageId, conclusion.State, failure.Stage, reason, message);
        }

        job.Finish(conclusion);
    }

    /// <summary>A waiting import ends here; a running one ends itself, soon.</summary>
    private void Stop(ImportJob job, bool stopping)
    {
        bool waited;
        lock (_lock)
        {
            if (job.Ended.IsCompleted) return;
            job.RequestStop(stopping);
            // FillSlots takes from the same list under the same lock: whichever of the two gets the import ends it, once.
            waited = _waiting.Remove(job);
        }

        job.Cancel();
        if (waited) Announce(job, ConcludeStopped(job));
    }

    private static string FailedStage(ImportJob job) =>
        job.Snapshot().Stages.LastOrDefault(stage => stage.State == StageState.Failed)?.Name ?? "";

    private static ImportFailure Interrupted() => ImportFailure.Of(
        ImportError.ImportInterrupted,
        "The sidecar stopped before the import ended. Start it again by the same id to run it again.");
}
