using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Import.Settings;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Hashing;

/// <summary>
/// Digests of a file, in one pass over it: each runs on its own thread while the next block is being read, as one alone is
/// slower than the disk. Bounded in time: a small image may stand for terabytes of holes, which take as long as data.
/// </summary>
internal sealed class FileDigests(IOptions<ImportOptions> options, TimeProvider time)
{
    // Large against the cost of handing a block to the other threads, small against memory: two per import.
    private const int BlockBytes = 2 << 20;

    private readonly TimeSpan _timeout = options.Value.DigestTimeout;

    /// <summary>Appends all of the file to the digests.</summary>
    /// <param name="report">Told of the bytes that are done.</param>
    /// <exception cref="ImportException"><see cref="ImportError.TimedOut"/>.</exception>
    public async Task ReadAsync(
        string path, IReadOnlyList<RunningDigest> digests, Action<long> report, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(_timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await ReadThroughAsync(path, digests, report, either.Token);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ImportException(
                ImportError.TimedOut,
                $"The digests of the image took longer than {_timeout.TotalSeconds:F0} seconds, which is the limit "
                + "(Import:DigestTimeout).",
                late,
                ("limit_seconds", (long)_timeout.TotalSeconds));
        }
    }

    private static async Task ReadThroughAsync(
        string path, IReadOnlyList<RunningDigest> digests, Action<long> report, CancellationToken cancellationToken)
    {
        using var file = RegularFile.OpenToRead(path);
        byte[] block = new byte[BlockBytes], next = new byte[BlockBytes];
        var appending = new BlockDigests(digests);
        try
        {
            var offset = 0L;
            while (await RandomAccess.ReadAsync(file, block, offset, cancellationToken) is var count and > 0)
            {
                await appending.AppendAsync(block, count);
                offset += count;
                report(offset);
                (block, next) = (next, block);
            }
        }
        finally
        {
            // Nobody may dispose a digest under the thread that computes it.
            await appending.DrainAsync();
        }
    }
}
