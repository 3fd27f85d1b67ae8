using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging.Files;

/// <summary>CRC-32C of a part of a file. Holes are not read: a sparse image is checked in the time of its data.</summary>
internal static class FileCrc
{
    private const int BlockBytes = 1 << 20;

    /// <param name="crc">Value of what comes before <paramref name="from"/>.</param>
    /// <exception cref="IOException">The file ends before <paramref name="to"/>, or the disk failed.</exception>
    public static uint Compute(
        SafeFileHandle file, long from, long to, uint crc, CancellationToken cancellationToken) =>
        Compute(file, from, to, crc, rewrite: false, cancellationToken);

    /// <summary>
    /// The same, and each block that was read is written back: if the CRC is the right one, the next fsync proves that these
    /// bytes are on the disk, whatever an earlier fsync lost of them.
    /// </summary>
    /// <exception cref="IOException">As above, or the disk is full.</exception>
    public static uint ComputeAndRewrite(
        SafeFileHandle file, long from, long to, uint crc, CancellationToken cancellationToken) =>
        Compute(file, from, to, crc, rewrite: true, cancellationToken);

    private static uint Compute(
        SafeFileHandle file, long from, long to, uint crc, bool rewrite, CancellationToken cancellationToken)
    {
        var block = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(to - from, 1, BlockBytes));
        // A hole may lie behind the end of the file as well, which is not the same.
        var length = RandomAccess.GetLength(file);
        if (length < to) throw new IOException($"The file ends at {length}, before {to}.");
        while (from < to)
        {
            var (start, end) = Posix.NextData(file, from, to);
            crc = Crc32C.AppendZeros(crc, start - from);
            crc = ComputeData(file, start, end, crc, block, rewrite, cancellationToken);
            from = end;
        }

        return crc;
    }

    private static uint ComputeData(
        SafeFileHandle file, long from, long to, uint crc, byte[] block, bool rewrite,
        CancellationToken cancellationToken)
    {
        while (from < to)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var read = RandomAccess.Read(file, block.AsSpan(0, (int)Math.Min(to - from, block.Length)), from);
            if (read == 0) throw new IOException($"The file ends at {from}, before {to}.");
            crc = Crc32C.Append(crc, block.AsSpan(0, read));
            if (rewrite) RandomAccess.Write(file, block.AsSpan(0, read), from);
            from += read;
        }

        return crc;
    }
}
