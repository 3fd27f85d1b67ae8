using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Uploads;

/// <summary>
/// A file that is received in order and goes on where it was after a broken connection or a restart: <c>data</c>, and a
/// <c>journal</c> of how far it is durable. Uploads are received into one, and so are the outputs that are fetched from other
/// pods. What comes behind the last durable point counts only as far as its user can prove it.
/// <para>
/// It follows the bytes to the disk: writeback starts every few megabytes, so that the disk works while bytes still arrive and
/// the last fsync finds little to do. The more of them are open, the smaller the steps: files that arrive side by side end
/// at about the same time, and what each of them held back would meet the disk at once.
/// </para>
/// </summary>
internal sealed class ResumableFile : IDisposable
{
    // Of all that are open together. It keeps a disk busy; less only costs calls, more leaves it idle until the end.
    private const long HeldBackBytes = 8 << 20;

    // Below it the calls cost more than the disk gains.
    private const long SmallestStepBytes = 1 << 20;

    // Of the process, which has one volume. Whoever opens or closes one while another is at its step makes that step a little larger
    // or smaller, and nothing else.
    private static int _openFiles;

    private readonly UploadJournal _journal;
    private readonly long _intervalBytes;
    private long _writebackOffset;
    private bool _isClosed;

    private ResumableFile(SafeFileHandle data, UploadJournal journal, long intervalBytes)
    {
        Data = data;
        _journal = journal;
        _intervalBytes = intervalBytes;
        Interlocked.Increment(ref _openFiles);
    }

    public SafeFileHandle Data { get; }

    /// <summary>The last durable point.</summary>
    public DurablePoint Durable => _journal.Last;

    /// <summary>Bytes after which the writeback of one of so many open files starts.</summary>
    public static long StepBytes(int openFiles) => Math.Max(HeldBackBytes / Math.Max(openFiles, 1), SmallestStepBytes);

    /// <summary>Opens what is there of it, or creates it.</summary>
    /// <param name="start">What holds before the first durable point.</param>
    /// <param name="intervalBytes">Bytes after which a durable point is due.</param>
    /// <exception cref="IOException">The disk failed or is full; nothing is open.</exception>
    public static ResumableFile Open(string dataFile, string journalFile, DurablePoint start, long intervalBytes)
    {
        var data = DurableFiles.OpenWritable(dataFile, FileMode.OpenOrCreate);
        try
        {
            return new ResumableFile(data, UploadJournal.Open(journalFile, start), intervalBytes);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    /// <summary>Whether the bytes up to a durable point are still those that were made durable. Reads them all.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static bool IsIntact(SafeFileHandle data, DurablePoint durable, CancellationToken cancellationToken) =>
        RandomAccess.GetLength(data) >= durable.Offset
        && FileCrc.Compute(data, 0, durable.Offset, Crc32C.Empty, cancellationToken) == durable.Crc32C;

    /// <summary>What is there up to here is on its way to the disk already, or was when the file was opened.</summary>
    public void BeginAt(long offset) => _writebackOffset = offset;

    /// <summary>Follows the writer. Called from one thread at a time, which need not be the writer's.</summary>
    /// <param name="received">Where the next byte belongs.</param>
    /// <returns>Whether a durable point is due.</returns>
    public bool Follow(long received)
    {
        if (received - _writebackOffset >= StepBytes(Volatile.Read(ref _openFiles)))
        {
            Posix.StartWriteback(Data, _writebackOffset, received - _writebackOffset);
            _writebackOffset = received;
        }

        return received - Durable.Offset >= _intervalBytes;
    }

    /// <summary>Makes the data durable, without a point in the journal.</summary>
    /// <exception cref="IOException">The disk failed; nothing behind the last durable point can be trusted any more.</exception>
    public void Sync() => Posix.Sync(Data);

    /// <summary>Notes, durably, that the data up to a point is. To be called after <see cref="Sync"/> only.</summary>
    /// <exception cref="IOException">The disk failed or is full; the point does not count.</exception>
    public void NoteDurable(ReceivedPoint point) =>
        _journal.Append(new DurablePoint(point.Offset, point.Crc32C, BootId.Current, Failed: false));

    /// <summary>Notes, durably, that the disk failed under it.</summary>
    /// <exception cref="IOException">That cannot be written either.</exception>
    public void NoteFailure() => _journal.AppendFailure();

    public void Dispose()
    {
        if (_isClosed) return;
        _isClosed = true;
        Interlocked.Decrement(ref _openFiles);
        _journal.Dispose();
        Data.Dispose();
    }
}
