using Sidecar.Staging.Files;

namespace Sidecar.Import.Hashing;

/// <summary>
/// Digests of what comes in block by block, each on its own thread while the next block is being read or made: one alone is
/// slower than many a source. Whoever disposes the digests waits for <see cref="DrainAsync"/> before.
/// </summary>
internal sealed class BlockDigests(IReadOnlyCollection<RunningDigest> digests)
{
    private Task _appending = Task.CompletedTask;

    /// <summary>Takes a block, which must not change before the next call completes. There is one call at a time.</summary>
    public async Task AppendAsync(byte[] block, int count)
    {
        await _appending;
        _appending = Task.WhenAll(digests.Select(digest => Task.Run(() => digest.Append(block.AsSpan(0, count)))));
    }

    /// <summary>Completes when no thread computes any more, in milliseconds.</summary>
    public Task DrainAsync() => _appending;
}
