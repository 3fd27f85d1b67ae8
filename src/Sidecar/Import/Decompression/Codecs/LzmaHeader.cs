using System.Buffers.Binary;
using System.Numerics;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// The header of LZMA alone, the format before xz. It has no magic: what is the same in every file that programs make is
/// taken for one, which no boot record or file system begins with.
/// </summary>
internal static class LzmaHeader
{
    private const int Bytes = 14;
    private const byte UsualProperties = 0x5d; // lc=3 lp=0 pb=2
    private const long MaxContentBytes = 256L << 30; // as xz has it

    public static bool Matches(ReadOnlySpan<byte> head)
    {
        if (head.Length < Bytes || head[0] != UsualProperties || head[Bytes - 1] != 0) return false;
        var dictionary = BinaryPrimitives.ReadUInt32LittleEndian(head[1..]);
        var content = BinaryPrimitives.ReadInt64LittleEndian(head[5..]);
        return IsUsual(dictionary) && content is -1 or (> 0 and < MaxContentBytes);
    }

    public static Extent Find(FileWindow file) => new(file.Length, file.UInt32(1) ?? 0);

    // A power of two, or one and a half of it.
    private static bool IsUsual(uint bytes) =>
        bytes >= 4096 && (BitOperations.IsPow2(bytes) || (bytes % 3 == 0 && BitOperations.IsPow2(bytes / 3)));
}
