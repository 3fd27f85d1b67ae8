using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>
/// The log of a VHDX ([MS-VHDX] 2.3): changes of a machine that was not shut down, or of a copy that was made while it ran. A
/// disk without them is not the one that the guest had, and who only reads cannot replay them.
/// </summary>
internal static class VhdxLog
{
    private const int HeaderBytes = 4096;
    private const int Checksum = 4;
    private const int EntryAlignment = 4096;
    private const int EntryLength = 8;
    private const int EntryGuid = 32;

    // Logs are of one MiB in practice. What is longer is not searched: its identifier alone says that it is in use.
    private const uint MaxSearchedBytes = 16 << 20;

    private static readonly long[] HeaderOffsets = [64 << 10, 128 << 10];

    /// <summary>Whether the log holds entries that belong to the disk.</summary>
    /// <exception cref="BytesPendingException">The log has not arrived yet.</exception>
    public static bool IsPending(ImageBytes bytes)
    {
        ReadOnlyMemory<byte> current = default;
        foreach (var offset in HeaderOffsets)
        {
            var header = bytes.Read(offset, HeaderBytes);
            if (IsValid(header.Span) && (current.IsEmpty || Sequence(header) > Sequence(current))) current = header;
        }

        if (current.IsEmpty) return false;
        var guid = current.Slice(48, 16);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(current.Span[68..]);
        if (length == 0 || !guid.Span.ContainsAnyExcept((byte)0)) return false;
        return length > MaxSearchedBytes
            || HasEntry(bytes, BinaryPrimitives.ReadInt64LittleEndian(current.Span[72..]), (int)length, guid.Span);
    }

    private static bool HasEntry(ImageBytes bytes, long log, int length, ReadOnlySpan<byte> guid)
    {
        var claimed = 0L;
        for (var block = 0; block < length; block += ImageBytes.MaxReadBytes)
        {
            var part = bytes.Read(log + block, Math.Min(ImageBytes.MaxReadBytes, length - block)).Span;
            for (var at = 0; at + EntryAlignment <= part.Length; at += EntryAlignment)
            {
                if (!IsEntry(part[at..], guid)) continue;
                // Entries that lie in each other, each of which would be read as a whole: 256 times the log, if nobody counted.
                claimed += BinaryPrimitives.ReadUInt32LittleEndian(part[(at + EntryLength)..]);
                if (claimed > length || IsWhole(bytes, log + block + at, part[at..], length - block - at)) return true;
            }
        }

        return false;
    }

    private static bool IsEntry(ReadOnlySpan<byte> sector, ReadOnlySpan<byte> guid) =>
        sector.StartsWith("loge"u8) && sector.Slice(EntryGuid, 16).SequenceEqual(guid);

    // An entry that was torn while it was written does not count. One that runs on at the log's beginning, or is longer than
    // can be read at once, is taken for whole.
    private static bool IsWhole(ImageBytes bytes, long offset, ReadOnlySpan<byte> sector, int room)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(sector[EntryLength..]);
        if (length == 0 || length % EntryAlignment != 0) return false;
        return length > room || length > ImageBytes.MaxReadBytes || HasItsChecksum(bytes.Read(offset, (int)length).Span);
    }

    private static bool IsValid(ReadOnlySpan<byte> header) =>
        header.Length == HeaderBytes && header.StartsWith("head"u8) && HasItsChecksum(header);

    // Computed as if there were zeros in its own place.
    private static bool HasItsChecksum(ReadOnlySpan<byte> block)
    {
        var crc = Crc32C.Append(Crc32C.Empty, block[..Checksum]);
        crc = Crc32C.AppendZeros(crc, sizeof(uint));
        crc = Crc32C.Append(crc, block[(Checksum + sizeof(uint))..]);
        return crc == BinaryPrimitives.ReadUInt32LittleEndian(block[Checksum..]);
    }

    private static ulong Sequence(ReadOnlyMemory<byte> header) => BinaryPrimitives.ReadUInt64LittleEndian(header.Span[8..]);
}
