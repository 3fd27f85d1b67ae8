using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Uploads;

/// <summary>
/// The newest received offset of an upload and the CRC-32C of the bytes before it, in one record that each chunk
/// overwrites. It is never fsynced: it is for the next process, which finds it in the page cache, as it finds the bytes.
/// The file's length alone would not do, as pages that the disk failed to take may read as something else by then.
/// </summary>
internal sealed class ReceivedNote : IDisposable
{
    private readonly SafeFileHandle _file;

    private ReceivedNote(SafeFileHandle file) => _file = file;

    /// <exception cref="IOException">The disk failed or is full.</exception>
    public static ReceivedNote Open(string path) => new(DurableFiles.OpenWritable(path, FileMode.OpenOrCreate));

    /// <summary>What a process of this boot noted last; null when there is nothing.</summary>
    public static ReceivedPoint? Read(string path)
    {
        if (RegularFile.TryLength(path) is null) return null;
        using var file = RegularFile.OpenToRead(path);
        Span<byte> record = stackalloc byte[PointRecord.Bytes];
        return RandomAccess.Read(file, record, 0) == PointRecord.Bytes && PointRecord.TryDecode(record, out var point)
            && point.BootId == BootId.Current
            ? new ReceivedPoint(point.Offset, point.Crc32C)
            : null;
    }

    /// <summary>Notes what was received. Without it a restart goes back further, no more; so a failure is no harm.</summary>
    public void Write(ReceivedPoint received)
    {
        Span<byte> record = stackalloc byte[PointRecord.Bytes];
        PointRecord.Encode(new DurablePoint(received.Offset, received.Crc32C, BootId.Current, Failed: false), record);
        try
        {
            RandomAccess.Write(_file, record, 0);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The data itself decides: its next write or fsync tells whether the disk failed.
        }
    }

    public void Dispose() => _file.Dispose();
}
