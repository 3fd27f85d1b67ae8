using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Hashing;

/// <summary>
/// Reads a file once for all of its digests. Were each to read for itself, the fastest would bring the file into the page cache,
/// and a pod has not the memory to keep it there for the slowest.
/// </summary>
internal static class DigestPass
{
    // A file is always ahead of its digests; and many may be adopted at once.
    private const int Blocks = 6;

    /// <summary>Appends a file's first bytes to the digests.</summary>
    /// <param name="most">Where to stop, if the file does not end before.</param>
    /// <param name="report">Told of the bytes that were read.</param>
    /// <returns>How many bytes there were.</returns>
    /// <exception cref="IOException">The disk failed.</exception>
    public static async Task<long> ReadAsync(
        SafeFileHandle file, long most, IReadOnlyCollection<RunningDigest> digests, Action<long> report, CancellationToken cancellationToken)
    {
        using var queue = new DigestQueue(digests, Blocks);
        try
        {
            return await ReadAsync(file, most, queue, report, cancellationToken);
        }
        finally
        {
            await queue.CompleteAsync();
        }
    }

    private static async Task<long> ReadAsync(
        SafeFileHandle file, long most, DigestQueue queue, Action<long> report, CancellationToken cancellationToken)
    {
        for (var offset = 0L; ; report(offset))
        {
            var block = await queue.NextAsync(cancellationToken);
            var wanted = block[..(int)Math.Min(block.Length, most - offset)];
            var count = await RandomAccess.ReadAsync(file, wanted, offset, cancellationToken);
            if (count == 0) return offset;
            queue.HandOver(count);
            offset += count;
        }
    }
}
