using System.Buffers.Binary;
using System.IO.Hashing;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// The streams of an xz file (file format 1.2.0), from the last to the first: only a stream's index, at its end, tells how
/// long its blocks are.
/// </summary>
internal static class XzStreams
{
    private const int HeaderBytes = 12;
    private const int FooterBytes = 12;

    // An index takes some ten bytes for each block, and a block holds megabytes.
    private const long MaxIndexBytes = 16 << 20;

    // More than anybody puts behind a file; further forward nobody looks for the end of the last stream.
    private const long MaxRemainderBytes = 64 << 20;

    // What looks like one behind the true one was put there.
    private const int MaxFooters = 16;

    private static readonly BytePattern Beginning = new("fd 37 7a 58 5a 00");

    public static Extent Find(FileWindow file, Action keepOn)
    {
        var first = XzBlocks.MemoryAt(file, HeaderBytes);
        var end = LastEnd(file, file.Length, keepOn);
        for (var tries = 0; end > 0 && tries < MaxFooters; end = LastEnd(file, end - 1, keepOn), tries++)
        {
            if (Blocks(file, end, keepOn) is not { } blocks) continue;
            var rest = SkipPadding(file, end);
            var damaged = rest < file.Length && Remainder.IsDamagedStream(file, rest, [Beginning], keepOn);
            return new Extent(end, Math.Max(first, blocks.MemoryBytes))
            {
                IsDamaged = damaged, Blocks = blocks.Count, BlockBytes = blocks.LargestBytes,
            };
        }

        return new Extent(file.Length, first); // cut short or damaged, as xz will say
    }

    /// <summary>Those of all streams that end there; null when they do not begin at the file's beginning.</summary>
    private static XzBlocks? Blocks(FileWindow file, long end, Action keepOn)
    {
        var all = default(XzBlocks);
        while (true)
        {
            keepOn();
            if (!IsFooter(file, end)) return null;
            var indexBytes = IndexBytes(file, end);
            var indexStart = end - FooterBytes - indexBytes;
            if (indexBytes > MaxIndexBytes || indexStart < HeaderBytes) return null;
            var index = file.Read(indexStart, (int)indexBytes).ToArray();
            if (XzBlocks.Measure(file, index, indexStart, keepOn) is not { } blocks) return null;
            var start = blocks.Start - HeaderBytes;
            if (!Beginning.Matches(file.Read(start, HeaderBytes))) return null;
            all = new XzBlocks(
                start, all.Count + blocks.Count, Math.Max(all.LargestBytes, blocks.LargestBytes),
                Math.Max(all.MemoryBytes, blocks.MemoryBytes));
            if (start == 0) return all;
            end = start;
            while (end > 0 && file.UInt32(end - sizeof(uint)) == 0) end -= sizeof(uint);
        }
    }

    /// <summary>The last end of a footer at or before an offset; 0 where there is none.</summary>
    private static long LastEnd(FileWindow file, long offset, Action keepOn)
    {
        const int StepBytes = 4096;
        var lowest = Math.Max(0, file.Length - MaxRemainderBytes);
        while (offset > lowest)
        {
            keepOn();
            var from = Math.Max(lowest, offset - StepBytes);
            var bytes = file.Read(from, (int)(offset - from)).ToArray();
            for (var at = bytes.AsSpan().LastIndexOf("YZ"u8); at >= 0; at = bytes.AsSpan(0, at).LastIndexOf("YZ"u8))
            {
                if (IsFooter(file, from + at + 2)) return from + at + 2;
            }

            offset = from == lowest ? lowest : from + 1;
        }

        return 0;
    }

    private static bool IsFooter(FileWindow file, long end)
    {
        var footer = file.Read(end - FooterBytes, FooterBytes);
        return footer.Length == FooterBytes && footer[10..].SequenceEqual("YZ"u8)
            && Crc32.HashToUInt32(footer[4..10]) == BinaryPrimitives.ReadUInt32LittleEndian(footer);
    }

    private static long IndexBytes(FileWindow file, long end) =>
        (file.UInt32(end - FooterBytes + sizeof(uint))!.Value + 1L) * sizeof(uint);

    private static long SkipPadding(FileWindow file, long offset)
    {
        while (file.UInt32(offset) == 0) offset += sizeof(uint);
        return offset;
    }
}
