using Sidecar.Import.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Queue;

/// <summary>
/// What a restart found. Counts of imports; <paramref name="Removed"/> counts directories that nobody can read.
/// </summary>
internal readonly record struct ImportRecovery(int Finished, int Interrupted, int Lost, int Removed);

/// <summary>Start, sweep and stop of the daemon.</summary>
internal sealed partial class ImportQueue
{
    // Where the kernel ends all of a container for want of memory, as it does in Kubernetes, one image could else take the pod down
    // again and again, with everybody's uploads.
    private const int MostKills = 3;

    /// <summary>Takes up what an earlier life of the daemon left. Call it once, before anything else.</summary>
    public Task<ImportRecovery> RecoverAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var counts = default(ImportRecovery);
            foreach (var directory in _journal.Directories())
            {
                cancellationToken.ThrowIfCancellationRequested();
                counts = Recover(directory, counts);
            }

            _logger.Recovered(counts.Finished, counts.Interrupted, counts.Lost, counts.Removed);
            return counts;
        },
        cancellationToken);

    /// <summary>Removes finished imports that nobody released in time.</summary>
    /// <returns>How many.</returns>
    public async Task<int> SweepAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (_retention == TimeSpan.Zero) return 0;
        var removed = 0;
        foreach (var import in List().Where(import => now - import.FinishedAt > _retention))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await ReleaseAsync(import.ImportId);
                removed++;
            }
            catch (ImportException gone) when (gone.Error is ImportError.ImportNotFound or ImportError.ImportRunning)
            {
                // Released, or started again, in the meantime.
            }
        }

        return removed;
    }

    /// <summary>Imports that wait or run.</summary>
    public int Unfinished
    {
        get
        {
            lock (_lock) return _jobs.Values.Count(job => !job.Ended.IsCompleted);
        }
    }

    /// <summary>Starts no import from now on; those that wait or run may end.</summary>
    public void RefuseNew()
    {
        lock (_lock) _stopping = true;
    }

    /// <summary>
    /// Stops everything quickly, for the end of the daemon: child processes die, and what waited or ran will be
    /// reported as interrupted by the next start.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        ImportJob[] unfinished;
        lock (_lock)
        {
            _stopping = true;
            unfinished = [.. _jobs.Values.Where(job => !job.Ended.IsCompleted)];
        }

        foreach (var job in unfinished) Stop(job, stopping: true);
        await Task.WhenAll(unfinished.Select(job => job.Ended)).WaitAsync(cancellationToken);
        await Task.WhenAll(unfinished.Select(job => job.Running)).WaitAsync(cancellationToken);
    }

    // One that cannot be taken up must not keep the others, and the daemon, from starting.
    private ImportRecovery Recover(string directory, ImportRecovery counts)
    {
        try
        {
            return TakeUp(_journal.Read(directory), counts);
        }
        catch (Exception damaged) when (damaged is InvalidDataException or FileNotFoundException)
        {
            return RemoveUnreadable(directory, damaged.Message, counts);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordUnreadable(_logger, directory, failure.Message);
            return counts;
        }
    }

    private ImportRecovery RemoveUnreadable(string directory, string why, ImportRecovery counts)
    {
        try
        {
            _journal.SetAside(directory, _logger, why);
            return counts with { Removed = counts.Removed + 1 };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordKept(_logger, directory, why, failure.Message);
            return counts;
        }
    }

    private ImportRecovery TakeUp(ImportSnapshot import, ImportRecovery counts)
    {
        if (!import.IsFinished)
        {
            var cutOff = import with { Kills = import.Kills + (import.State == ImportState.Running ? 1 : 0) };
            Keep(Fail(cutOff, cutOff.Kills < MostKills ? Interrupted() : ImportFailure.OfKills(cutOff.Kills)));
            return counts with { Interrupted = counts.Interrupted + 1 };
        }

        if (import.Result is { } result && RegularFile.TryLength(result.OutputPath) != result.FileLength)
        {
            var lost = ImportFailure.Of(
                ImportError.OutputLost,
                "The output of the import is gone. Release the import and start a new one.");
            Keep(Fail(import, lost));
            return counts with { Lost = counts.Lost + 1 };
        }

        Keep(import);
        return counts with { Finished = counts.Finished + 1 };
    }

    private ImportSnapshot Fail(ImportSnapshot import, ImportFailure failure)
    {
        var failed = import with
        {
            State = ImportState.Failed, Result = null, Failure = failure, FinishedAt = _time.GetUtcNow(),
        };
        try
        {
            _journal.RemoveWorkFiles(import.ImportId);
            _journal.Write(failed);
        }
        catch (Exception fault) when (DiskFault.Is(fault))
        {
            // A full volume must not keep the daemon from starting, as it is who frees it. The next start tries again.
            _logger.JournalFailed(import.ImportId, fault.Message);
        }

        return failed;
    }

    private void Keep(ImportSnapshot import)
    {
        lock (_lock) _jobs[import.ImportId] = new ImportJob(import, _time);
    }

    private long Remove(ImportJob job)
    {
        try
        {
            var bytes = _journal.Remove(job.Request.ImportId);
            job.Dispose();
            _logger.Released(job.Request.ImportId, bytes);
            return bytes;
        }
        finally
        {
            lock (_lock) _removing.Remove(job.Request.ImportId);
        }
    }
}
