using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Uploads;

/// <summary>The digests of one upload, each followed on its own.</summary>
internal sealed class UploadDigests(SafeFileHandle data, Func<long> received) : IAsyncDisposable
{
    private readonly List<BackgroundHasher> _followers = [];

    /// <summary>Has these computed as well. One that is first asked for at the end has to read the file from its start.</summary>
    public void Add(IEnumerable<string> algorithms)
    {
        foreach (var name in algorithms)
        {
            if (name == Crc32C.Name || _followers.Any(follower => follower.Algorithm == name)) continue;
            _followers.Add(new BackgroundHasher(name, data, received));
        }
    }

    public void Advance()
    {
        foreach (var follower in _followers) follower.Advance();
    }

    /// <summary>All of them, over everything that was received.</summary>
    /// <param name="cancellationToken">Ends the wait; the computing ends with this object.</param>
    /// <exception cref="IOException">The file could not be read back.</exception>
    public async Task<SortedDictionary<string, string>> FinishAsync(CancellationToken cancellationToken)
    {
        var digests = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var follower in _followers)
        {
            // A hole of a terabyte is digested byte by byte: nobody has to wait for that who does not want it any more.
            digests[follower.Algorithm] = await follower.FinishAsync().WaitAsync(cancellationToken);
        }

        return digests;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var follower in _followers) await follower.DisposeAsync();
    }
}
