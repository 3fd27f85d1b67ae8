using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging;

/// <summary>CRC-32C of a part of a file.</summary>
internal static class FileCrc
{
    private const int BlockBytes = 1 << 20;

    /// <param name="crc">Value of what comes before <paramref name="from"/>.</param>
    /// <exception cref="IOException">The file ends before <paramref name="to"/>, or the disk failed.</exception>
    public static uint Compute(
        SafeFileHandle file, long from, long to, uint crc, CancellationToken cancellationToken)
    {
        var block = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(to - from, 1, BlockBytes));
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
