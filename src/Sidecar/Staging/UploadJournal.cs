using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging;

/// <summary>Up to <see cref="Offset"/> the data is on the disk and has this CRC-32C.</summary>
internal readonly record struct DurablePoint(long Offset, uint Crc32C, Guid BootId, bool Failed);

/// <summary>
/// Append-only record of how far an upload is durable. A point is appended, and itself made durable, only after the
/// data up to it was fsynced. Each record carries a checksum, so a torn last one is recognised and left out.
/// </summary>
internal sealed class UploadJournal : IDisposable
{
    // magic 4 | checksum of the rest 4 | offset 8 | crc32c of the data 4 | flags 4 | boot id 16, little-endian
    private const int RecordBytes = 40;
    private const uint Magic = 0x314A5347; // "GSJ1"
    private const uint FailedFlag = 1;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private long _length;

    private UploadJournal(string path, SafeFileHandle file, long length, DurablePoint last)
    {
        _path = path;
        _file = file;
        _length = length;
        Last = last;
    }

    public DurablePoint Last { get; private set; }

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

    /// <summary>Appends a point and makes it durable.</summary>
    /// <exception cref="IOException">The disk failed or is full; the point does not count.</exception>
    public void Append(DurablePoint point)
    {
        Span<byte> record = stackalloc byte[RecordBytes];
        Encode(point, record);
        RandomAccess.Write(_file, record, _length);
        Posix.Sync(_file);
        if (_length == 0) SyncDirectories();
        _length += RecordBytes;
        Last = point;
    }

    public void Dispose() => _file.Dispose();

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
        Span<byte> record = stackalloc byte[RecordBytes];
        while (RandomAccess.Read(file, record, length) == RecordBytes && TryDecode(record, out var point))
        {
            last = point;
            length += RecordBytes;
        }

        return (last, length);
    }

    private static void Encode(DurablePoint point, Span<byte> record)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(record, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(record[8..], point.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(record[16..], point.Crc32C);
        BinaryPrimitives.WriteUInt32LittleEndian(record[20..], point.Failed ? FailedFlag : 0);
        point.BootId.TryWriteBytes(record[24..]);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], Crc32C.Append(Crc32C.Empty, record[8..]));
    }

    private static bool TryDecode(ReadOnlySpan<byte> record, out DurablePoint point)
    {
        point = new DurablePoint(
            BinaryPrimitives.ReadInt64LittleEndian(record[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(record[16..]),
            new Guid(record[24..]),
            (BinaryPrimitives.ReadUInt32LittleEndian(record[20..]) & FailedFlag) != 0);
        return BinaryPrimitives.ReadUInt32LittleEndian(record) == Magic && point.Offset >= 0
            && BinaryPrimitives.ReadUInt32LittleEndian(record[4..]) == Crc32C.Append(Crc32C.Empty, record[8..]);
    }
}
