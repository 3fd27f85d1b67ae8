using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Hashing;

/// <summary>Digests by name of what a stage writes, block by block; see <see cref="BlockDigests"/>. For one thread.</summary>
internal sealed class OutputDigests : IDisposable
{
    // Holes are digested as what they stand for.
    private static readonly byte[] Zeros = new byte[1 << 20];

    private readonly Dictionary<string, RunningDigest> _digests;
    private readonly BlockDigests _appending;

    public OutputDigests(IEnumerable<string> algorithms)
    {
        _digests = algorithms.ToDictionary(name => name, DigestAlgorithms.Start);
        _appending = new BlockDigests(_digests.Values);
    }

    /// <summary>Takes a block, which must not change before the next call returns.</summary>
    public void Append(byte[] block, int count) => _appending.AppendAsync(block, count).Wait();

    /// <summary>Takes so many zeros.</summary>
    /// <param name="check">Called again and again, as this may take hours.</param>
    public void AppendZeros(long count, Action check)
    {
        for (; _digests.Count > 0 && count > 0; count -= Math.Min(count, Zeros.Length))
        {
            check();
            Append(Zeros, (int)Math.Min(count, Zeros.Length));
        }
    }

    /// <summary>Returns when no thread reads any block any more.</summary>
    public void Drain() => _appending.DrainAsync().Wait();

    /// <summary>The last call before the disposal.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Finish()
    {
        Drain();
        return [.. _digests.Select(digest => KeyValuePair.Create(digest.Key, Convert.ToHexStringLower(digest.Value.Finish())))];
    }

    public void Dispose()
    {
        // Nobody may dispose a digest under the thread that computes it.
        Drain();
        foreach (var digest in _digests.Values) digest.Dispose();
    }
}
