using System.Buffers.Binary;
using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// The end of a bzip2 file's last stream. Only a mark and a checksum tell it, at any bit of a byte, and bzip2 leaves out
/// whatever follows, a further stream with a damaged beginning too; so it is looked for where the file does not end with it.
/// </summary>
internal static class Bzip2Streams
{
    // 900 KB blocks take 3.7 MB.
    private const long MemoryBytes = 8 << 20;

    // As many packed bytes hold more than one of the largest blocks.
    private const long BlockBytes = 1_000_000;

    // What a thread of lbzip2 takes: blocks that it works on, and those that wait for their turn to be written.
    private const long ThreadMemoryBytes = 24 << 20;

    private const ulong EndMark = 0x177245385090;
    private const int MarkBits = 48;
    private const int EndBits = MarkBits + 32; // with the checksum of all
    private const int StepBytes = 64 << 10;
    private const int ReadBytes = 16;

    private static readonly BytePattern[] Beginnings =
        [new("42 5a 68 ?? 31 41 59 26 53 59"), new("42 5a 68 ?? 17 72 45 38 50 90")];

    public static Extent Find(FileWindow file, Action keepOn)
    {
        if (EndsThere(file)) return Until(file.Length);
        for (var end = NextEnd(file, 0, keepOn); end > 0; end = NextEnd(file, end, keepOn))
        {
            var head = file.Read(end, Beginnings[0].Length);
            if (Beginnings[0].Matches(head) || Beginnings[1].Matches(head)) continue;
            if (end >= file.Length) break;
            var damaged = Remainder.IsDamagedStream(file, end, Beginnings, keepOn);
            return Until(end) with { IsDamaged = damaged };
        }

        return Until(file.Length); // cut short, as bzip2 will say
    }

    private static Extent Until(long end) => new(end, MemoryBytes) { Blocks = end / BlockBytes, BlockBytes = ThreadMemoryBytes };

    private static bool EndsThere(FileWindow file)
    {
        for (var padding = 0; padding < 8; padding++)
        {
            if (HasMark(file, (file.Length * 8) - padding - EndBits)) return true;
        }

        return false;
    }

    /// <summary>Behind the first end of a stream that begins at or after an offset; 0 where there is none.</summary>
    private static long NextEnd(FileWindow file, long start, Action keepOn)
    {
        for (var offset = start; offset < file.Length; offset += StepBytes)
        {
            keepOn();
            var bytes = file.Read(offset, StepBytes + ReadBytes).ToArray();
            var first = long.MaxValue;
            for (var shift = 0; shift < 8; shift++) first = Math.Min(first, FirstMark(file, bytes, offset, shift));
            if (first < long.MaxValue) return (first + EndBits + 7) / 8;
        }

        return 0;
    }

    /// <summary>The bit at which the first mark begins that begins at this bit of a byte.</summary>
    private static long FirstMark(FileWindow file, ReadOnlySpan<byte> bytes, long offset, int shift)
    {
        // The four bytes that are whole in any case are looked for, which is fast.
        Span<byte> inner = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(inner, (uint)(EndMark >> (8 + shift)));
        for (var at = 0; bytes[at..].IndexOf(inner) is var next and >= 0; at += next + 1)
        {
            // Of the mark's 48 bits, 8 less the shift come before them.
            var bit = ((offset + at + next) * 8) - (MarkBits - 40 - shift);
            if (HasMark(file, bit)) return bit;
        }

        return long.MaxValue;
    }

    private static bool HasMark(FileWindow file, long bit)
    {
        if (bit < 0 || file.Read(bit / 8, sizeof(ulong)) is not { Length: sizeof(ulong) } bytes) return false;
        return (BinaryPrimitives.ReadUInt64BigEndian(bytes) << (int)(bit % 8) >> (64 - MarkBits)) == EndMark;
    }
}
