using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Uploads;

/// <summary>Received bytes and their CRC-32C, read together.</summary>
internal readonly record struct ReceivedPoint(long Offset, uint Crc32C);

/// <summary>
/// An unfinished upload: <c>upload.json</c> (what the sender said), <c>data</c>, <c>journal</c> (how far data is durable) and
/// <c>received</c> (how far it was received) in a directory of its own. Invisible as an image until its data is renamed into
/// place.
/// <para>
/// After a restart nothing counts before it is proven. The last durable point of the journal does: the journal is made durable
/// again before anybody hears of it, and the bytes up to it are compared with their CRC before the upload goes on. What lies
/// behind it counts when the kernel is the same, as the page cache outlives a killed process, and only if it has the CRC that
/// was noted of it; it is then written again, as an fsync that failed under the killed process may have lost it. After a crash
/// of the machine it does not count: it may be missing, zeros or old blocks.
/// </para>
/// </summary>
internal sealed class Upload
{
    private readonly Lock _lock = new();
    private ReceivedPoint _received;
    private long _durableOffset;
    private bool _checked;
    private bool _journalIsDurable;
    private string _failure = "";
    private Exception? _cause;
    private UploadState _state = UploadState.Suspended;
    private DateTimeOffset _lastActiveAt;

    private Upload(UploadHeader header, string directory)
    {
        Header = header;
        Directory = directory;
        _received = new ReceivedPoint(0, Crc32C.Empty);
        _lastActiveAt = header.StartedAt;
    }

    public UploadHeader Header { get; }

    public string Directory { get; }

    public string DataFile => Path.Combine(Directory, "data");

    public string JournalFile => Path.Combine(Directory, "journal");

    public string NoteFile => Path.Combine(Directory, "received");

    public ReceivedPoint Received
    {
        get
        {
            lock (_lock) return _received;
        }
    }

    /// <summary>What is durable before the journal has a point.</summary>
    public DurablePoint Start => StartOf(Header);

    public UploadSnapshot Snapshot()
    {
        lock (_lock)
        {
            return new UploadSnapshot(Header, _state, _received.Offset, _durableOffset, _lastActiveAt, _failure)
            {
                Cause = _cause?.Message ?? "",
            };
        }
    }

    /// <summary>Begins one with nothing of an older upload: its bytes would show where the new one is shorter, or has holes.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static Upload Create(UploadHeader header, string directory)
    {
        if (System.IO.Directory.Exists(directory)) System.IO.Directory.Delete(directory, recursive: true);
        DurableFiles.CreateDirectoryUnsynced(directory);
        DurableFiles.Replace(
            HeaderFile(directory), JsonSerializer.SerializeToUtf8Bytes(header, StagingJson.Default.UploadHeader));
        return new Upload(header, directory) { _checked = true };
    }

    /// <summary>Takes up what an earlier process left.</summary>
    /// <exception cref="InvalidDataException">Its header makes no sense.</exception>
    /// <exception cref="FileNotFoundException">It has no header, or what should be its journal is no file.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static Upload Recover(string directory)
    {
        var header = ReadHeader(directory);
        var upload = new Upload(header, directory);
        var durable = UploadJournal.ReadLast(upload.JournalFile, upload.Start);
        var data = new FileInfo(upload.DataFile);
        var length = RegularFile.TryLength(data.FullName) ?? 0;
        var noted = ReceivedNote.Read(upload.NoteFile);
        upload._received = noted is { } note && note.Offset > durable.Offset && note.Offset <= length
            ? note : new ReceivedPoint(Math.Min(length, durable.Offset), durable.Crc32C);
        if (data.Exists) upload._lastActiveAt = data.LastWriteTimeUtc;
        if (durable.Failed) upload.Fail("The disk failed under it.");
        else if (length < durable.Offset) upload.Fail($"Of {durable.Offset} durable bytes {length} are left on the volume.");
        else upload.MakeJournalDurable(durable);
        return upload;
    }

    /// <summary>
    /// Before the first append after a recovery: makes sure that what is there is what was acknowledged, and that the next
    /// fsync will prove it.
    /// </summary>
    /// <exception cref="StagingException">
    /// DiskFailed: the bytes are not those that were made durable; the upload has failed. OffsetMismatch: those behind are not
    /// what was received, and the upload is at its durable offset now.
    /// </exception>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void CheckRecovered(CancellationToken cancellationToken)
    {
        if (_checked) return;
        var durable = UploadJournal.ReadLast(JournalFile, Start);
        if (!MakeJournalDurable(durable)) throw new IOException("the volume is full", Posix.Enospc);
        using var data = DurableFiles.OpenWritable(DataFile, FileMode.OpenOrCreate);
        CheckDurable(data, durable, cancellationToken);
        var (received, crc) = _received;
        var isWhole = durable.Offset == received
            || FileCrc.ComputeAndRewrite(data, durable.Offset, received, durable.Crc32C, cancellationToken) == crc;
        if (!isWhole) lock (_lock) _received = new ReceivedPoint(durable.Offset, durable.Crc32C);
        RandomAccess.SetLength(data, _received.Offset); // a chunk may have been written in part
        _checked = true;
        if (!isWhole) throw OffsetMismatch();
    }

    public StagingException OffsetMismatch()
    {
        var offset = Received.Offset;
        return new StagingException(
            StagingError.OffsetMismatch,
            $"The upload of image {Header.ImageId} is at {offset}, and the resume is at another offset: resume at {offset}.",
            ("offset", offset));
    }

    public StagingException Dead() => new(
        StagingError.DiskFailed,
        $"The upload of image {Header.ImageId} is lost. {_failure} The sidecar's log has the cause: check the volume, then abort the "
        + "upload, or stage the image again.",
        _cause);

    public void Begin(DateTimeOffset now)
    {
        lock (_lock)
        {
            _state = UploadState.Receiving;
            _lastActiveAt = now;
        }
    }

    public void Advance(ReceivedPoint received, DateTimeOffset now)
    {
        lock (_lock)
        {
            _received = received;
            _lastActiveAt = now;
        }
    }

    public void MadeDurable(long offset)
    {
        lock (_lock) _durableOffset = offset;
    }

    public void Suspend()
    {
        lock (_lock)
        {
            if (_state == UploadState.Receiving) _state = UploadState.Suspended;
        }
    }

    /// <param name="failure">A sentence for callers.</param>
    /// <param name="cause">What the machine said, for the log.</param>
    public void Fail(string failure, Exception? cause = null)
    {
        lock (_lock)
        {
            _state = UploadState.Failed;
            (_failure, _cause) = (failure, cause);
        }
    }

    /// <summary>Bytes of data that its removal gives back; holes took none.</summary>
    public long DataBytes()
    {
        if (RegularFile.TryLength(DataFile) is null) return 0;
        using var data = RegularFile.OpenToRead(DataFile);
        var (bytes, end) = (0L, RandomAccess.GetLength(data));
        for (var (from, to) = Posix.NextData(data, 0, end); from < end; (from, to) = Posix.NextData(data, to, end))
        {
            bytes += to - from;
        }

        return bytes;
    }

    /// <summary>Removes its files. Answers the bytes freed.</summary>
    /// <exception cref="StagingException">
    /// <see cref="StagingError.DiskFailed"/>: something is left of it; it has failed, and can be removed again.
    /// </exception>
    public long Remove()
    {
        try
        {
            var freed = DurableFiles.Delete(DataFile);
            if (System.IO.Directory.Exists(Directory)) System.IO.Directory.Delete(Directory, recursive: true);
            return freed;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Fail($"It could not be removed: {DiskFault.Explain(failure)}.", failure);
            throw new StagingException(
                StagingError.DiskFailed,
                $"The upload of image {Header.ImageId} cannot be removed: {DiskFault.Explain(failure)}. It is listed as failed "
                + "until it is; the sidecar's log says which file it was. Check the volume, and abort it again.",
                failure);
        }
    }

    // What a killed process had only in the page cache must not be answered as durable. False when the volume is full: then it
    // is not answered yet. Of the data nothing needs an fsync: a point was written only after that of its data.
    private bool MakeJournalDurable(DurablePoint durable)
    {
        if (_journalIsDurable || _state == UploadState.Failed) return true;
        try
        {
            UploadJournal.MakeDurable(JournalFile);
            MadeDurable(durable.Offset);
            _journalIsDurable = true;
        }
        catch (IOException full) when (full.HResult is Posix.Enospc or Posix.Edquot)
        {
            return false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Fail($"The disk failed: {DiskFault.Explain(failure)}.", failure);
        }

        return true;
    }

    private void CheckDurable(SafeFileHandle data, DurablePoint durable, CancellationToken cancellationToken)
    {
        if (ResumableFile.IsIntact(data, durable, cancellationToken)) return;
        Fail("What the volume holds is not what was made durable: the disk lost or changed bytes.");
        throw Dead();
    }

    private static UploadHeader ReadHeader(string directory) => RecordFile.Read(
        HeaderFile(directory), StagingJson.Default.UploadHeader, header => Flaw(header, directory));

    private static string? Flaw(UploadHeader header, string directory)
    {
        if (Path.GetFileName(directory) != header.ImageId.ToString()) return $"it is of image {header.ImageId}";
        if (header.DeclaredSize < 0) return $"its declared size is {header.DeclaredSize}";
        foreach (var (name, hex) in header.ExpectedDigests)
        {
            if (hex is null || !(DigestAlgorithms.IsKnown(name) || name == Crc32C.Name)) return $"it expects a digest {name}";
        }

        return header.Digests is { AreKnown: false } ? "it wishes for a digest that nobody knows" : null;
    }

    /// <summary>Where the header of an upload is.</summary>
    public static string HeaderFile(string directory) => Path.Combine(directory, "upload.json");

    private static DurablePoint StartOf(UploadHeader header) =>
        new(0, Crc32C.Empty, header.BootId, Failed: false);
}
