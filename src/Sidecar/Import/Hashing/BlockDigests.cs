namespace Sidecar.Import.Hashing;

/// <summary>
/// Digests of what comes in block by block, each on its own thread while the next block is being made: one alone is slower
/// than many a source.
/// </summary>
internal sealed class BlockDigests(IEnumerable<string> algorithms) : IDisposable
{
    private readonly Dictionary<string, RunningDigest> _digests = algorithms.ToDictionary(name => name, RunningDigest.Of);
    private Task _appending = Task.CompletedTask;

    /// <summary>Takes a block, which must not change before the next call returns.</summary>
    public void Append(byte[] block, int count)
    {
        _appending.Wait();
        _appending = Task.WhenAll(_digests.Values.Select(digest => Task.Run(() => digest.Append(block.AsSpan(0, count)))));
    }

    /// <summary>By algorithm, in hexadecimal.</summary>
    public IEnumerable<KeyValuePair<string, string>> Finish()
    {
        _appending.Wait();
        return _digests.Select(digest => KeyValuePair.Create(digest.Key, Convert.ToHexStringLower(digest.Value.Finish())));
    }

    public void Dispose()
    {
        // Nobody may dispose a digest under the thread that computes it. It computes for milliseconds, and does not fail.
        _appending.Wait();
        foreach (var digest in _digests.Values) digest.Dispose();
    }
}
