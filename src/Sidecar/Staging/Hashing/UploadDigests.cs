using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Hashing;

/// <summary>The digests of one upload, each followed on its own: those that must be had, and those that somebody will want.</summary>
/// <param name="foresee">Which are worth it beside those that must be had, once so many bytes are there.</param>
internal sealed class UploadDigests(
    SafeFileHandle data, Func<long> received, Func<long, IReadOnlyCollection<string>> foresee) : IAsyncDisposable
{
    // Where it shows what an image is, as for its validation.
    private const long FirstBytes = 64 << 10;

    private static readonly long SharedBytes = CacheWindow.SharedBytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    private readonly List<BackgroundHasher> _followers = [];
    private readonly HashSet<string> _needed = [];
    private readonly CacheWindow _window = new(SharedBytes, DigestWishes.MostBytesBehind);
    private bool _hasForeseen;

    /// <summary>Has these computed as well. One that is first asked for at the end has to read the file from its start.</summary>
    public void Add(IEnumerable<string> algorithms)
    {
        foreach (var name in algorithms.Where(name => name != Crc32C.Name))
        {
            _needed.Add(name);
            Follow(name);
        }
    }

    /// <summary>So many bytes have been received.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    public void Advance(long received)
    {
        if (received >= FirstBytes) Foresee(received);
        foreach (var follower in _followers) follower.Advance();
    }

    /// <summary>
    /// Waits while what was received last would be dropped from the page cache before the digests get to it; see
    /// <see cref="CacheWindow"/>.
    /// </summary>
    public ValueTask KeepPaceAsync(CancellationToken cancellationToken) => _window.WaitAsync(received(), cancellationToken);

    /// <summary>All of them, over everything that was received; without those that are only wished for and far behind.</summary>
    /// <param name="cancellationToken">Ends the wait; the computing ends with this object.</param>
    /// <exception cref="IOException">The file could not be read back.</exception>
    public async Task<SortedDictionary<string, string>> FinishAsync(CancellationToken cancellationToken)
    {
        var size = received();
        Foresee(size);
        var digests = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var follower in _followers)
        {
            if (!_needed.Contains(follower.Algorithm) && size - follower.Offset > DigestWishes.MostBytesBehind)
            {
                follower.Abandon();
                continue;
            }

            // A hole of a terabyte is digested byte by byte: nobody has to wait for that who does not want it any more.
            digests[follower.Algorithm] = await follower.FinishAsync().WaitAsync(cancellationToken);
        }

        return digests;
    }

    public async ValueTask DisposeAsync()
    {
        // All of them first: one may wait for another, which should not compute to its end for that.
        foreach (var follower in _followers) follower.Abandon();
        foreach (var follower in _followers) await follower.DisposeAsync();
        _window.Dispose();
    }

    private void Foresee(long received)
    {
        if (_hasForeseen) return;
        _hasForeseen = true;
        foreach (var name in foresee(received)) Follow(name);
    }

    private void Follow(string name)
    {
        if (_followers.All(follower => follower.Algorithm != name)) _followers.Add(new BackgroundHasher(name, data, received, _window));
    }
}
