using System.Buffers.Binary;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>The frames of a zstd file (RFC 8878, 3.1), by their headers and those of their blocks.</summary>
internal static class ZstdFrames
{
    public const uint Magic = 0xFD2FB528;

    // zstd refuses more by itself.
    private const long MaxWindowBytes = 128 << 20;

    private const int BlockHeaderBytes = 3;
    private const int RunLengthBlock = 1;

    private static readonly BytePattern[] Magics = [new("28 b5 2f fd")];

    public static Extent Find(FileWindow file, Action keepOn)
    {
        var (offset, window) = (0L, 0L);
        while (offset < file.Length)
        {
            var next = SkippableFrames.Skip(file, offset) ?? Skip(file, offset, ref window, keepOn);
            if (next is not { } end) break;
            if (end > file.Length) return new Extent(file.Length, window); // cut short, as the program will say
            offset = end;
        }

        var damaged = offset < file.Length && Remainder.IsDamagedStream(file, offset, Magics, keepOn);
        return new Extent(window == 0 ? file.Length : offset, window) { IsDamaged = damaged };
    }

    /// <summary>Where the frame ends; null where there is none.</summary>
    private static long? Skip(FileWindow file, long start, ref long window, Action keepOn)
    {
        if (file.UInt32(start) != Magic) return null;
        if (file.Read(start + 4, 14) is not { Length: > 1 } header) return long.MaxValue;
        var descriptor = header[0];
        var single = (descriptor & 0x20) != 0;
        int[] dictionaryBytes = [0, 1, 2, 4];
        int[] sizeBytes = [single ? 1 : 0, 2, 4, 8];
        var sizeAt = 1 + (single ? 0 : 1) + dictionaryBytes[descriptor & 3];
        var size = sizeBytes[descriptor >> 6];
        if (header.Length < sizeAt + size) return long.MaxValue;
        var bytes = single ? ContentBytes(header.Slice(sizeAt, size)) : WindowBytes(header[1]);
        window = Math.Max(window, Math.Clamp(bytes, 1, MaxWindowBytes));
        return SkipBlocks(file, start + 4 + sizeAt + size, keepOn) is { } end
            ? end + ((descriptor & 4) != 0 ? sizeof(uint) : 0) : long.MaxValue;
    }

    private static long? SkipBlocks(FileWindow file, long offset, Action keepOn)
    {
        while (true)
        {
            keepOn();
            if (file.Read(offset, BlockHeaderBytes) is not { Length: BlockHeaderBytes } header) return null;
            var value = header[0] | (header[1] << 8) | (header[2] << 16);
            offset += BlockHeaderBytes + (((value >> 1) & 3) == RunLengthBlock ? 1 : value >> 3);
            if ((value & 1) != 0) return offset;
        }
    }

    private static long ContentBytes(ReadOnlySpan<byte> field) => field.Length switch
    {
        1 => field[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(field) + 256,
        4 => BinaryPrimitives.ReadUInt32LittleEndian(field),
        _ => BinaryPrimitives.ReadInt64LittleEndian(field) is var bytes and >= 0 ? bytes : long.MaxValue,
    };

    private static long WindowBytes(byte descriptor)
    {
        var power = 1L << (10 + (descriptor >> 3));
        return power + (power / 8 * (descriptor & 7));
    }
}
