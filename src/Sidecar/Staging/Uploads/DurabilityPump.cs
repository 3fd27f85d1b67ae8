using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Hashing;

namespace Sidecar.Staging.Uploads;

/// <summary>
/// Follows the writer of one upload and moves its bytes to the disk, and every
/// <see cref="StagingOptions.DurableIntervalBytes"/> makes a durable point of what is there.
/// <para>
/// A failure of the disk, the writer's included, ends the upload for good. The kernel reports an fsync error once and
/// then forgets which pages were lost, so a second fsync that succeeds proves nothing.
/// </para>
/// </summary>
internal sealed class DurabilityPump
{
    private readonly UploadFiles _files;
    private readonly Upload _upload;
    private readonly StagingContext _context;
    private readonly ProgressSignal _signal = new();
    private readonly Lock _failing = new();
    private readonly Task _task;
    private IOException? _failure;

    public DurabilityPump(UploadFiles files, Upload upload, StagingContext context)
    {
        _files = files;
        _upload = upload;
        _context = context;
        _task = Task.Run(RunAsync);
    }

    /// <summary>The disk error that ended the upload.</summary>
    public IOException? Failure => Volatile.Read(ref _failure);

    public void Advance() => _signal.Set();

    /// <summary>Ends it without a further durable point.</summary>
    public async Task StopAsync()
    {
        _signal.Complete();
        await _task;
    }

    /// <summary>
    /// Makes everything received so far durable, and remembers it. On a full volume there may be no room for the
    /// memory; then the durable offset stays where it was, and nothing else is wrong.
    /// </summary>
    /// <exception cref="IOException">The disk failed, now or before; the upload has failed.</exception>
    public void Checkpoint()
    {
        // On the pump's task while it runs, on the writer's after StopAsync, so never on both. What is received goes on growing
        // meanwhile; the point is read before the fsync, which covers at least the bytes up to it.
        var (point, last) = (_upload.Received, _files.File.Durable);
        if (point.Offset == last.Offset && last.BootId == BootId.Current) return;
        SyncData();
        try
        {
            _files.File.NoteDurable(point);
            _upload.MadeDurable(point.Offset);
            _context.Metrics.Durable(point.Offset - last.Offset);
        }
        catch (IOException full) when (full.HResult is Posix.Enospc or Posix.Edquot)
        {
            // The next checkpoint tries again.
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Fail(failure);
        }
    }

    /// <summary>Makes the data durable, without a point in the journal.</summary>
    /// <exception cref="IOException">The disk failed, now or before; the upload has failed.</exception>
    public void SyncData()
    {
        if (Failure is { } earlier) throw earlier;
        var started = _context.Metrics.StartFsync();
        try
        {
            _files.File.Sync();
        }
        catch (IOException failure)
        {
            // Whatever its reason, full volume included: pages that were to be written are not.
            _context.Metrics.FsyncFailed();
            throw Fail(failure);
        }

        _context.Metrics.FsyncDone(started);
    }

    /// <summary>
    /// Ends the upload for good, in memory and in its journal. At once, whoever notices: a writer that only goes away would
    /// leave an upload that somebody resumes. The first failure counts, as pump and writer may each meet their own.
    /// </summary>
    /// <returns>The failure, to be thrown.</returns>
    public IOException Fail(Exception reason)
    {
        // What .NET makes of EACCES and EPERM is no IOException.
        var failure = reason as IOException ?? new IOException(reason.Message, reason);
        lock (_failing)
        {
            if (_failure is { } earlier) return earlier;
            _upload.Fail($"The disk failed: {DiskFault.Explain(reason)}.", failure);
            Volatile.Write(ref _failure, failure);
        }

        _context.Metrics.Failed();
        StagingLog.UploadFailed(_context.Log, _upload.Header.ImageId, _upload.Received.Offset, failure);
        try
        {
            _files.File.NoteFailure();
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException)
        {
            // In memory the upload is dead already. The next process trusts no byte behind the last durable point that it
            // has not compared with its CRC and written again.
        }

        return failure;
    }

    private async Task RunAsync()
    {
        while (await _signal.WaitAsync())
        {
            try
            {
                if (_files.File.Follow(_upload.Received.Offset)) Checkpoint();
            }
            catch (IOException)
            {
                return; // kept in Failure; the writer looks there before it accepts more
            }
        }
    }
}
