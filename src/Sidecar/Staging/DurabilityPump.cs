using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging;

/// <summary>
/// Follows the writer of one upload and moves its bytes to the disk: starts writeback every few megabytes, so that
/// the disk works while bytes still arrive and the commit's fsync finds little to do, and every
/// <see cref="StagingOptions.DurableIntervalBytes"/> makes a durable point of what is there.
/// <para>
/// An fsync error ends it for good. The kernel reports such an error once and then forgets which pages were lost, so
/// a second fsync that succeeds proves nothing.
/// </para>
/// </summary>
internal sealed class DurabilityPump
{
    // 8 MiB keeps a disk busy; smaller steps only cost calls, larger ones leave it idle at the end.
    private const long WritebackStepBytes = 8 << 20;

    private readonly SafeFileHandle _data;
    private readonly UploadJournal _journal;
    private readonly Upload _upload;
    private readonly long _intervalBytes;
    private readonly StagingMetrics _metrics;
    private readonly ProgressSignal _signal = new();
    private readonly Task _task;
    private long _writebackOffset;

    public DurabilityPump(
        SafeFileHandle data, UploadJournal journal, Upload upload, long intervalBytes, StagingMetrics metrics)
    {
        _data = data;
        _journal = journal;
        _upload = upload;
        _intervalBytes = intervalBytes;
        _metrics = metrics;
        _writebackOffset = upload.Received.Offset;
        _task = Task.Run(RunAsync);
    }

    /// <summary>The disk error that ended it.</summary>
    public IOException? Failure { get; private set; }

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
    /// <exception cref="IOException">The disk failed, now or before.</exception>
    public void Checkpoint()
    {
        var (point, before) = (_upload.Received, _journal.Last.Offset);
        if (point.Offset == _journal.Last.Offset && _journal.Last.BootId == BootId.Current) return;
        SyncData();
        try
        {
            _journal.Append(new DurablePoint(point.Offset, point.Crc32C, BootId.Current, Failed: false));
            _upload.MadeDurable(point.Offset);
            _metrics.Durable(point.Offset - before);
        }
        catch (IOException full) when (full.HResult is Posix.Enospc or Posix.Edquot)
        {
            // The next checkpoint tries again.
        }
        catch (IOException failure)
        {
            Failure = failure;
            throw;
        }
        catch (UnauthorizedAccessException denied)
        {
            // What .NET makes of EACCES and EPERM.
            Failure = new IOException(denied.Message, denied);
            throw Failure;
        }
    }

    /// <summary>Makes the data durable, without a point in the journal.</summary>
    /// <exception cref="IOException">The disk failed, now or before.</exception>
    public void SyncData()
    {
        if (Failure is { } earlier) throw earlier;
        var started = _metrics.StartFsync();
        try
        {
            Posix.Sync(_data);
        }
        catch (IOException failure)
        {
            // Whatever its reason, full volume included: pages that were to be written are not.
            Failure = failure;
            _metrics.FsyncFailed();
            throw;
        }

        _metrics.FsyncDone(started);
    }

    private async Task RunAsync()
    {
        while (await _signal.WaitAsync())
        {
            try
            {
                Follow();
            }
            catch (IOException)
            {
                return; // kept in Failure; the writer looks there before it accepts more
            }
        }
    }

    private void Follow()
    {
        var received = _upload.Received.Offset;
        if (received - _writebackOffset >= WritebackStepBytes)
        {
            Posix.StartWriteback(_data, _writebackOffset, received - _writebackOffset);
            _writebackOffset = received;
        }

        if (received - _journal.Last.Offset >= _intervalBytes) Checkpoint();
    }
}
