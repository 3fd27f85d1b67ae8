using Sidecar.Import.Decompression.Core;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>The blocks of one xz stream, and the memory that they ask of a reader.</summary>
/// <param name="Start">Where the first one begins.</param>
/// <param name="LargestBytes">The most that any of them has, packed and unpacked together.</param>
/// <param name="MemoryBytes">The largest dictionary of any of them.</param>
internal readonly record struct XzBlocks(long Start, long Count, long LargestBytes, long MemoryBytes)
{
    private const int Lzma2 = 0x21;
    private const int MaxHeaderBytes = 1024;

    // One header a block is read: those of a disk of terabytes, in blocks of some megabytes.
    private const long MaxBlocks = 1 << 20;

    // So large that nobody has memory for it, and that a few of them are a number yet.
    private const long MaxBlockBytes = 1L << 50;

    /// <summary>By the stream's index; null where that makes no sense.</summary>
    public static XzBlocks? Measure(FileWindow file, ReadOnlySpan<byte> index, long end, Action keepOn)
    {
        var at = 1;
        if (index[0] != 0 || Number(index, ref at) is not { } count || count > MaxBlocks) return null;
        var lengths = new List<long>();
        var (start, largest) = (end, 0L);
        for (var i = 0L; i < count; i++)
        {
            if (Number(index, ref at) is not { } unpadded || Number(index, ref at) is not { } unpacked) return null;
            // One by one, as the sum of what somebody wrote there may be larger than any number.
            if (unpadded <= 0 || unpadded >= start) return null;
            lengths.Add((unpadded + 3) & ~3L);
            start -= lengths[^1];
            largest = Math.Max(largest, lengths[^1] + Math.Min(unpacked, MaxBlockBytes));
        }

        var (offset, memory) = (start, 0L);
        if (start <= 0) return null;
        foreach (var length in lengths)
        {
            keepOn();
            memory = Math.Max(memory, MemoryAt(file, offset));
            offset += length;
        }

        return new XzBlocks(start, count, largest, memory);
    }

    /// <summary>The dictionary of the block there; 0 where there is no block, or none of a kind that has one.</summary>
    public static long MemoryAt(FileWindow file, long offset)
    {
        var header = file.Read(offset, MaxHeaderBytes);
        if (header.Length < 2) return 0;
        header = header[..Math.Min(header.Length, (header[0] + 1) * sizeof(uint))];
        var (at, flags) = (2, header[1]);
        if ((flags & 0x40) != 0) _ = Number(header, ref at);
        if ((flags & 0x80) != 0) _ = Number(header, ref at);
        for (var filters = (flags & 3) + 1; filters > 0; filters--)
        {
            if (Number(header, ref at) is not { } id || Number(header, ref at) is not { } bytes) return 0;
            if (bytes > header.Length - at) return 0;
            if (id == Lzma2 && bytes == 1) return DictionaryBytes(header[at]);
            at += (int)bytes;
        }

        return 0;
    }

    private static long DictionaryBytes(byte bits) =>
        bits >= 40 ? uint.MaxValue : (2L | (bits & 1u)) << ((bits / 2) + 11);

    /// <summary>Seven bits a byte, the lowest first.</summary>
    private static long? Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0L;
        for (var shift = 0; shift < 63 && at < bytes.Length; shift += 7)
        {
            var next = bytes[at++];
            value |= (long)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }

        return null;
    }
}
