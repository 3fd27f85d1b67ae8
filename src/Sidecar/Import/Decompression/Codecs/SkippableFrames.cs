using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// Frames without content, which zstd and lz4 have in common (RFC 8878, 3.1.2); pzstd writes one before each of its own.
/// </summary>
internal static class SkippableFrames
{
    private const uint Lowest = 0x184D2A50;
    private const uint Mask = 0xFFFFFFF0;
    private const int HeaderBytes = 8;

    public static bool IsOne(uint? magic) => (magic & Mask) == Lowest;

    /// <summary>Where the frame ends, which may be behind the file; null where there is none.</summary>
    public static long? Skip(FileWindow file, long offset) => !IsOne(file.UInt32(offset)) ? null
        : file.UInt32(offset + sizeof(uint)) is { } bytes ? offset + HeaderBytes + bytes : long.MaxValue;

    /// <summary>What the first frame with content begins with; null where there is none.</summary>
    public static uint? FirstMagic(FileWindow file, Action keepOn)
    {
        var offset = 0L;
        while (Skip(file, offset) is { } next)
        {
            keepOn();
            offset = next;
        }

        return file.UInt32(offset);
    }
}
