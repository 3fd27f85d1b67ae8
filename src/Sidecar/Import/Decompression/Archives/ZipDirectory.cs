using System.Buffers.Binary;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Archives;

/// <summary>Where a zip file's directory is, found from the end of the file.</summary>
/// <param name="Entries">How many it says that there are.</param>
internal readonly record struct ZipDirectory(long Entries, long Offset, long End)
{
    private const uint EndSignature = 0x06054b50;
    private const uint End64LocatorSignature = 0x07064b50;
    private const uint End64Signature = 0x06064b50;
    private const int EndBytes = 22;
    private const int End64LocatorBytes = 20;
    private const int End64Bytes = 56;
    private const int MaxCommentBytes = ushort.MaxValue;

    /// <summary>Null where there is none.</summary>
    public static ZipDirectory? Find(FileWindow file)
    {
        var tailBytes = (int)Math.Min(file.Length, EndBytes + MaxCommentBytes);
        var tail = file.Read(file.Length - tailBytes, tailBytes).ToArray().AsSpan();
        Span<byte> signature = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(signature, EndSignature);
        // The comment may hold the signature too: only an end record whose comment reaches the file's end is one.
        for (var at = tail.LastIndexOf(signature); at >= 0; at = tail[..at].LastIndexOf(signature))
        {
            if (at + EndBytes > tail.Length || at + EndBytes + UInt16(tail[(at + 20)..]) != tail.Length) continue;
            var end = file.Length - tailBytes + at;
            return Find64(file, end) ?? new ZipDirectory(UInt16(tail[(at + 10)..]), UInt32(tail[(at + 16)..]), end);
        }

        return null;
    }

    private static ZipDirectory? Find64(FileWindow file, long end)
    {
        var locator = file.Read(end - End64LocatorBytes, End64LocatorBytes);
        if (locator.Length < End64LocatorBytes || UInt32(locator) != End64LocatorSignature) return null;
        var offset = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
        var record = file.Read(offset, End64Bytes);
        if (record.Length < End64Bytes || UInt32(record) != End64Signature) return null;
        return new ZipDirectory(
            BinaryPrimitives.ReadInt64LittleEndian(record[32..]), BinaryPrimitives.ReadInt64LittleEndian(record[48..]), offset);
    }

    private static ushort UInt16(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static uint UInt32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
