using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Import.Settings;
using Sidecar.Staging.Files;
using Sidecar.Staging.Hashing;

namespace Sidecar.Import.Hashing;

/// <summary>
/// Digests of a file, in one pass over it. Bounded in time: a small image may stand for terabytes of holes, which take as long as
/// data.
/// </summary>
internal sealed class FileDigests(IOptions<ImportOptions> options, TimeProvider time)
{
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
            using var file = RegularFile.OpenToRead(path);
            await DigestPass.ReadAsync(file, long.MaxValue, digests, report, either.Token);
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
}
