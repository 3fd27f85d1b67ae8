using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Uploads;

/// <summary>
/// Append-only record of how far an upload is durable. A point is appended, and itself made durable, only after the
/// data up to it was fsynced. Each record carries a checksum, so a torn last one is recognised and left out. A failure
/// that is noted holds for every later point.
/// </summary>
internal sealed class UploadJournal : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _file;

    // The pump appends its points while the writer, whose write has just failed, notes the failure. Without the lock both
    // write at the same place, and the point would wipe out the failure.
    private readonly Lock _lock = new();
    private long _length;
    private DurablePoint _last;

    private UploadJournal(string path, SafeFileHandle file, long length, DurablePoint last)
    {
        _path = path;
        _file = file;
        _length = length;
        _last = last;
    }

    public DurablePoint Last
    {
        get
        {
            lock (_lock) return _last;
        }
    }

    /// <summary>Opens the journal for appending, or creates it.</summary>
    /// <param name="start">What holds before the first point.</param>
    public static UploadJournal Open(string path, DurablePoint start)
    {
        var file = DurableFiles.OpenWritable(path, FileMode.OpenOrCreate);
        try
        {
            var (last, length) = Scan(file, start);
            return new UploadJournal(path, file, length, last);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The last valid point; <paramref name="start"/> where there is none.</summary>
    public static DurablePoint ReadLast(string path, DurablePoint start)
    {
        if (Posix.TryStatus(path) is null) return start;
        using var file = RegularFile.OpenToRead(path);
        return Scan(file, start).Last;
    }

    /// <summary>
    /// Makes the points that an earlier process left durable. Until then they may be in the page cache only: the process was
    /// killed before its fsync, or the fsync failed. So they are written again, as a second fsync of pages that the first one
    /// lost would prove nothing.
    /// </summary>
    /// <exception cref="IOException">The disk failed or is full; the points may be gone after a power loss.</exception>
    public static void MakeDurable(string path)
    {
        if (!File.Exists(path)) return;
        using var file = DurableFiles.OpenWritable(path, FileMode.Open);
        var records = new byte[Scan(file, default).Length];
        if (RandomAccess.Read(file, records, 0) < records.Length) throw new IOException($"{path} became shorter.");
        RandomAccess.Write(file, records, 0);
        Posix.Sync(file);
        Posix.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Appends a point and makes it durable.</summary>
    /// <exception cref="IOException">The disk failed or is full; the point does not count.</exception>
    public void Append(DurablePoint point)
    {
        lock (_lock) AppendLocked(point with { Failed = point.Failed || _last.Failed });
    }

    /// <summary>Notes, durably, that the disk failed under the upload.</summary>
    /// <exception cref="IOException">That cannot be written either.</exception>
    public void AppendFailure()
    {
        lock (_lock) AppendLocked(_last with { Failed = true });
    }

    public void Dispose() => _file.Dispose();

    private void AppendLocked(DurablePoint point)
    {
        Span<byte> record = stackalloc byte[PointRecord.Bytes];
        PointRecord.Encode(point, record);
        RandomAccess.Write(_file, record, _length);
        Posix.Sync(_file);
        if (_length == 0) SyncDirectories();
        _length += PointRecord.Bytes;
        _last = point;
    }

    // Before the first point nothing was promised, so only then the upload's directory itself must become durable.
    private void SyncDirectories()
    {
        var directory = Path.GetDirectoryName(_path)!;
        Posix.SyncDirectory(directory);
        Posix.SyncDirectory(Path.GetDirectoryName(directory)!);
    }

    private static (DurablePoint Last, long Length) Scan(SafeFileHandle file, DurablePoint start)
    {
        var last = start;
        var length = 0L;
        Span<byte> record = stackalloc byte[PointRecord.Bytes];
        while (RandomAccess.Read(file, record, length) == PointRecord.Bytes && PointRecord.TryDecode(record, out var point))
        {
            last = point with { Failed = point.Failed || last.Failed };
            length += PointRecord.Bytes;
        }

        return (last, length);
    }
}
