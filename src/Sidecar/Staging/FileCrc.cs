using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging;

/// <summary>CRC-32C of a part of a file. Holes are not read: a sparse image is checked in the time of its data.</summary>
internal static class FileCrc
{
    private const int BlockBytes = 1 << 20;

    /// <param name="crc">Value of what comes before <paramref name="from"/>.</param>
    /// <exception cref="IOException">The file ends before <paramref name="to"/>, or the disk failed.</exception>
    public static uint Compute(
        SafeFileHandle file, long from, long to, uint crc, CancellationToken cancellationToken)
    {
        var block = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(to - from, 1, BlockBytes));
        // A hole may lie behind the end of the file as well, which is not the same.
        var length = RandomAccess.GetLength(file);
        if (length < to) throw new IOException($"The file ends at {length}, before {to}.");
        while (from < to)
        {
            var (start, end) = Posix.NextData(file, from, to);
            crc = Crc32C.AppendZeros(crc, start - from);
            crc = ComputeData(file, start, end, crc, block, cancellationToken);
            from = end;
        }

        return crc;
    }

    private static uint ComputeData(
        SafeFileHandle file, long from, long to, uint crc, byte[] block, CancellationToken cancellationToken)
    {
        while (from < to)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var read = RandomAccess.Read(file, block.AsSpan(0, (int)Math.Min(to - from, block.Length)), from);
            if (read == 0) throw new IOException($"The file ends at {from}, before {to}.");
            crc = Crc32C.Append(crc, block.AsSpan(0, read));
            from += read;
        }

        return crc;
    }
}
