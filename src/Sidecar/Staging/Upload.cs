using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging;

/// <summary>Received bytes and their CRC-32C, read together.</summary>
internal readonly record struct ReceivedPoint(long Offset, uint Crc32C);

/// <summary>
/// An unfinished upload: <c>upload.json</c> (what the sender said), <c>data</c> and <c>journal</c> (how far data is
/// durable) in a directory of its own. Invisible as an image until its data is renamed into place.
/// <para>
/// Its received offset is the length of <c>data</c>. After a killed process that is still true, as the page cache
/// outlives it. After a crash of the machine it is not: the tail may be missing, zeros or old blocks. So in another
/// boot only the last durable point counts, and the bytes up to it are checked against their CRC before the upload
/// goes on.
/// </para>
/// </summary>
internal sealed class Upload
{
    private readonly Lock _lock = new();
    private ReceivedPoint _received;
    private long _durableOffset;
    private bool _checked;
    private string _failure = "";
    private UploadState _state = UploadState.Suspended;
    private DateTimeOffset _lastActiveAt;

    private Upload(UploadHeader header, string directory, ReceivedPoint received, long durableOffset)
    {
        Header = header;
        Directory = directory;
        _received = received;
        _durableOffset = durableOffset;
        _lastActiveAt = header.StartedAt;
    }

    public UploadHeader Header { get; }

    public string Directory { get; }

    public string DataFile => Path.Combine(Directory, "data");

    public string JournalFile => Path.Combine(Directory, "journal");

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
            return new UploadSnapshot(Header, _state, _received.Offset, _durableOffset, _lastActiveAt, _failure);
        }
    }

    /// <summary>Begins one with nothing of an older upload: its bytes would show where the new one is shorter, or has holes.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static Upload Create(UploadHeader header, string directory)
    {
        if (System.IO.Directory.Exists(directory)) System.IO.Directory.Delete(directory, recursive: true);
        DurableFiles.CreateDirectory(directory);
        DurableFiles.Replace(
            HeaderFile(directory), JsonSerializer.SerializeToUtf8Bytes(header, StagingJson.Default.UploadHeader));
        return new Upload(header, directory, new ReceivedPoint(0, Crc32C.Empty), 0) { _checked = true };
    }

    /// <summary>Takes up what an earlier process left.</summary>
    /// <exception cref="InvalidDataException">Its header makes no sense.</exception>
    /// <exception cref="FileNotFoundException">It has no header, or what should be its journal is no file.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static Upload Recover(string directory)
    {
        var header = ReadHeader(directory);
        var durable = UploadJournal.ReadLast(Path.Combine(directory, "journal"), StartOf(header));
        var data = new FileInfo(Path.Combine(directory, "data"));
        var length = RegularFile.TryLength(data.FullName) ?? 0;
        var received = durable.BootId == BootId.Current ? length : Math.Min(length, durable.Offset);
        var upload = new Upload(header, directory, new ReceivedPoint(received, durable.Crc32C), durable.Offset);
        if (data.Exists) upload._lastActiveAt = data.LastWriteTimeUtc;
        if (durable.Failed) upload.Fail("The disk failed under it.");
        if (length < durable.Offset) upload.Fail($"Of {durable.Offset} durable bytes {length} are left on the volume.");
        return upload;
    }

    /// <summary>
    /// Before the first append after a recovery: finds the CRC of what is there again, and makes sure that it is what
    /// was acknowledged. Reads as much as is not covered by trusted state.
    /// </summary>
    /// <exception cref="StagingException">
    /// <see cref="StagingError.DiskFailed"/>: the bytes are not those that were made durable; the upload has failed.
    /// </exception>
    public void CheckRecovered(CancellationToken cancellationToken)
    {
        if (_checked) return;
        var durable = UploadJournal.ReadLast(JournalFile, Start);
        using var data = DurableFiles.OpenWritable(DataFile, FileMode.OpenOrCreate);
        var crc = durable.BootId == BootId.Current
            ? FileCrc.Compute(data, durable.Offset, _received.Offset, durable.Crc32C, cancellationToken)
            : CheckAfterReboot(data, durable, cancellationToken);
        lock (_lock) _received = _received with { Crc32C = crc };
        _checked = true;
    }

    public StagingException Dead() => new(
        StagingError.DiskFailed,
        $"The upload of image {Header.ImageId} is lost: {_failure} Abort it, or stage the image anew.");

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

    public void Fail(string failure)
    {
        lock (_lock)
        {
            _state = UploadState.Failed;
            _failure = failure;
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
            Fail($"It could not be removed ({failure.Message}).");
            throw new StagingException(
                StagingError.DiskFailed,
                $"The upload of image {Header.ImageId} cannot be removed ({failure.Message}). It is listed as failed until it "
                + "is: abort it again.",
                failure);
        }
    }

    private uint CheckAfterReboot(SafeFileHandle data, DurablePoint durable, CancellationToken cancellationToken)
    {
        // What lies behind the durable point may be zeros or another file's old blocks.
        RandomAccess.SetLength(data, durable.Offset);
        var crc = FileCrc.Compute(data, 0, durable.Offset, Crc32C.Empty, cancellationToken);
        if (crc == durable.Crc32C) return crc;
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

        return null;
    }

    /// <summary>Where the header of an upload is.</summary>
    public static string HeaderFile(string directory) => Path.Combine(directory, "upload.json");

    private static DurablePoint StartOf(UploadHeader header) =>
        new(0, Crc32C.Empty, header.BootId, Failed: false);
}
