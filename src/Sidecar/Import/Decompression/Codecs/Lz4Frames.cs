using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>The frames of an lz4 file (LZ4 frame format 1.6), by their headers and those of their blocks.</summary>
internal static class Lz4Frames
{
    public const uint Magic = 0x184D2204;
    public const uint LegacyMagic = 0x184C2102;

    // Blocks of 4 MiB, or of 8 in a legacy frame, as they come and as they go, and what a block refers to.
    private const long MemoryBytes = 32 << 20;

    private const int BlockChecksum = 0x10;
    private const int ContentSize = 0x08;
    private const int ContentChecksum = 0x04;
    private const int DictionaryId = 0x01;

    private static readonly BytePattern[] Magics = [new("04 22 4d 18"), new("02 21 4c 18")];

    public static Extent Find(FileWindow file, Action keepOn)
    {
        var (offset, frames) = (0L, 0);
        while (offset < file.Length)
        {
            if (SkippableFrames.Skip(file, offset) is { } skipped)
            {
                offset = skipped;
                continue;
            }

            // A legacy frame has no end and no checksum: what follows it cannot be told from its damage.
            if (file.UInt32(offset) == LegacyMagic) return new Extent(file.Length, MemoryBytes);
            if (file.UInt32(offset) != Magic) break;
            offset = SkipFrame(file, offset + sizeof(uint), keepOn) ?? long.MaxValue;
            frames++;
        }

        if (offset >= file.Length || frames == 0) return new Extent(file.Length, MemoryBytes);
        var damaged = Remainder.IsDamagedStream(file, offset, Magics, keepOn);
        return new Extent(offset, MemoryBytes) { IsDamaged = damaged };
    }

    /// <summary>Null where it is cut short.</summary>
    private static long? SkipFrame(FileWindow file, long offset, Action keepOn)
    {
        if (file.Read(offset, 2) is not { Length: 2 } header) return null;
        var flags = header[0];
        offset += 3 + (Has(ContentSize) ? sizeof(long) : 0) + (Has(DictionaryId) ? sizeof(uint) : 0);
        while (file.UInt32(offset) is { } block)
        {
            keepOn();
            offset += sizeof(uint);
            if (block == 0) return offset + (Has(ContentChecksum) ? sizeof(uint) : 0);
            offset += (block & int.MaxValue) + (Has(BlockChecksum) ? sizeof(uint) : 0);
        }

        return null;

        bool Has(int flag) => (flags & flag) != 0;
    }
}
