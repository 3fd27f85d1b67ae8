using System.Buffers.Binary;
using System.Text;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// The header of a member of an lha archive, of level 0 to 2 (the notes on its format in lha for UNIX, header.doc).
/// </summary>
/// <param name="Method">Such as <c>-lh5-</c>.</param>
/// <param name="Bytes">Of the content.</param>
/// <param name="Crc">CRC-16 of the content.</param>
/// <param name="Next">Offset of the next member; behind the end of the file where that is cut short.</param>
internal readonly record struct LhaMember(string Method, long Bytes, ushort Crc, long Next)
{
    private const int MethodOffset = 2;
    private const int MethodBytes = 5;
    private const int LevelOffset = 20;
    private const int CommonBytes = 22; // up to the level and, in level 0 and 1, the length of the name

    public bool IsDirectory => Method == "-lhd-";

    /// <summary>Whether a header may stand here: the method's name, which is in the same place in all of them.</summary>
    public static bool Matches(ReadOnlySpan<byte> head) => head.Length >= MethodOffset + MethodBytes
        && head[MethodOffset..].StartsWith("-lh"u8) && head[MethodOffset + MethodBytes - 1] == (byte)'-';

    /// <summary>Whether the first header is of a level that came later, which lhasa does not read in all cases either.</summary>
    public static bool IsOfNewerLevel(FileWindow file) => file.Read(0, CommonBytes) is { Length: CommonBytes } head && head[LevelOffset] > 2;

    /// <summary>Null where there is no header, or none that makes sense.</summary>
    public static LhaMember? Read(FileWindow file, long offset)
    {
        var head = file.Read(offset, CommonBytes);
        if (head.Length < CommonBytes || !Matches(head)) return null;
        var (method, level) = (Encoding.Latin1.GetString(head.Slice(MethodOffset, MethodBytes)), head[LevelOffset]);
        var packed = BinaryPrimitives.ReadUInt32LittleEndian(head[7..]);
        var bytes = BinaryPrimitives.ReadUInt32LittleEndian(head[11..]);
        if (level == 2)
        {
            var all = BinaryPrimitives.ReadUInt16LittleEndian(head);
            return all > CommonBytes && UInt16(file, offset + CommonBytes - 1) is { } crc
                ? new LhaMember(method, bytes, crc, offset + all + packed) : null;
        }

        return level < 2 && ReadOld(file, offset, head[21]) is { } old
            ? new LhaMember(method, bytes, old.Crc, offset + old.Bytes + packed) : null;
    }

    // The name comes before the CRC. In level 1 extensions follow, and count as a part of the packed data.
    private static (ushort Crc, long Bytes)? ReadOld(FileWindow file, long offset, int nameBytes)
    {
        var all = file.Read(offset, 1)[0] + 2L;
        var at = CommonBytes + nameBytes;
        return at + 2 <= all && UInt16(file, offset + at) is { } crc ? (crc, all) : null;
    }

    private static ushort? UInt16(FileWindow file, long offset) =>
        file.Read(offset, sizeof(ushort)) is { Length: sizeof(ushort) } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : null;
}
