using System.Buffers.Binary;
using System.Text;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Archives;

internal enum ZipError
{
    None,
    Damaged,
    NoMember,
    SeveralMembers,
}

/// <summary>The entry of the only file in a zip file's directory.</summary>
/// <param name="Index">Its place in the directory.</param>
internal sealed record ZipMember(
    int Index, int Flags, int Method, uint Crc, long PackedBytes, long Bytes, long HeaderOffset, bool IsLink)
{
    public const int Encrypted = 1;

    private const uint EntrySignature = 0x02014b50;
    private const int EntryBytes = 46;
    private const int Zip64Extra = 1;

    // What a folder of macOS comes to; the library reads all of the directory, where it is used.
    private const int MaxEntries = 10_000;
    private const long MaxDirectoryBytes = 16 << 20;

    private const int Unix = 3;
    private const int FileTypeMask = 0xF000;
    private const int LinkType = 0xA000;

    /// <summary>Finds the only file; directories and what macOS adds do not count.</summary>
    public static (ZipError Error, ZipMember? Member) Find(FileWindow file)
    {
        if (ZipDirectory.Find(file) is not { } directory || directory.Entries < 0) return (ZipError.Damaged, null);
        if (directory.Entries > MaxEntries || directory.End - directory.Offset > MaxDirectoryBytes) return (ZipError.SeveralMembers, null);
        var (found, first, offset) = ((ZipMember?)null, long.MaxValue, directory.Offset);
        for (var i = 0; i < directory.Entries; i++)
        {
            if (Read(file, i, ref offset) is not var (name, member)) return (ZipError.Damaged, null);
            first = Math.Min(first, member.HeaderOffset);
            if (!ArchiveNames.IsFile(name)) continue;
            if (found != null) return (ZipError.SeveralMembers, null);
            found = member;
        }

        if (found == null) return (ZipError.NoMember, null);
        // A reader that goes by the front and one that goes by the directory at the end then see the same.
        return first != 0 || found.PackedBytes < 0 || found.Bytes < 0 ? (ZipError.Damaged, null) : (ZipError.None, found);
    }

    private static (string Name, ZipMember Member)? Read(FileWindow file, int index, ref long offset)
    {
        var entry = file.Read(offset, EntryBytes);
        if (entry.Length < EntryBytes || UInt32(entry, 0) != EntrySignature) return null;
        var (nameBytes, extraBytes, commentBytes) = (UInt16(entry, 28), UInt16(entry, 30), UInt16(entry, 32));
        var member = new ZipMember(
            index,
            UInt16(entry, 8),
            UInt16(entry, 10),
            UInt32(entry, 16),
            PackedBytes: UInt32(entry, 20),
            Bytes: UInt32(entry, 24),
            HeaderOffset: UInt32(entry, 42),
            IsLink: entry[5] == Unix && (UInt16(entry, 40) & FileTypeMask) == LinkType);
        var rest = file.Read(offset + EntryBytes, nameBytes + extraBytes);
        if (rest.Length < nameBytes + extraBytes) return null;
        offset += EntryBytes + nameBytes + extraBytes + commentBytes;
        return (Encoding.Latin1.GetString(rest[..nameBytes]), member.Widen(rest[nameBytes..]));
    }

    /// <summary>Takes the numbers that do not fit in 32 bits from where zip64 has them.</summary>
    private ZipMember Widen(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var body = extra[4..Math.Min(extra.Length, 4 + UInt16(extra, 2))];
            if (UInt16(extra, 0) == Zip64Extra)
            {
                var bytes = Take(ref body, Bytes);
                var packed = Take(ref body, PackedBytes);
                return this with { Bytes = bytes, PackedBytes = packed, HeaderOffset = Take(ref body, HeaderOffset) };
            }

            extra = extra[Math.Min(extra.Length, 4 + UInt16(extra, 2))..];
        }

        return this;
    }

    private static long Take(ref ReadOnlySpan<byte> body, long narrow)
    {
        if (narrow != uint.MaxValue || body.Length < sizeof(long)) return narrow;
        var wide = BinaryPrimitives.ReadInt64LittleEndian(body);
        body = body[sizeof(long)..];
        return wide;
    }

    private static ushort UInt16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint UInt32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
