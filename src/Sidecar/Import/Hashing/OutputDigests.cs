using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Hashing;

namespace Sidecar.Import.Hashing;

/// <summary>Digests by name of what a stage writes, or of what a store is given, while it is made or read. For one thread.</summary>
internal sealed class OutputDigests : IDisposable
{
    // Programs make their output in bursts, and there are few imports at once.
    private const int Blocks = 16;

    private readonly Dictionary<string, RunningDigest> _digests;
    private readonly DigestQueue? _queue; // null: there are none

    public OutputDigests(IEnumerable<string> algorithms)
    {
        _digests = algorithms.ToDictionary(name => name, DigestAlgorithms.Start);
        _queue = _digests.Count > 0 ? new DigestQueue(_digests.Values, Blocks) : null;
    }

    /// <summary>Takes bytes, which are the caller's again when this returns.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => _queue?.Append(bytes);

    /// <summary>Takes so many zeros: holes are digested as what they stand for.</summary>
    /// <param name="check">Called again and again, as this may take hours.</param>
    public void AppendZeros(long count, Action check)
    {
        while (_queue is not null && count > 0)
        {
            check();
            count -= _queue.AppendZeros(count);
        }
    }

    /// <summary>The last call before the disposal.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Finish()
    {
        _queue?.CompleteAsync().Wait();
        return [.. _digests.Select(digest => KeyValuePair.Create(digest.Key, Convert.ToHexStringLower(digest.Value.Finish())))];
    }

    public void Dispose()
    {
        // Nobody may dispose a digest under the thread that computes it. Whoever wanted it has seen a failure at the end.
        _queue?.CompleteAsync().ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        _queue?.Dispose();
        foreach (var digest in _digests.Values) digest.Dispose();
    }
}
