using Sidecar.Stores.Core;
using Sidecar.Stores.Writers;

namespace Sidecar.Stores.Writing;

/// <summary>
/// The first attempt of several writes of one source, which is read once for all of them. It is made by whichever of them gets a slot
/// first; the others find how it ended. Whoever it did not help goes on alone.
/// </summary>
/// <param name="run">How each ended, by its key; those that are not in it were not tried.</param>
internal sealed class JointAttempt(Func<Task<IReadOnlyDictionary<StoreKey, Task<WriteResult>>>> run)
{
    private readonly Lazy<Task<IReadOnlyDictionary<StoreKey, Task<WriteResult>>>> _run = new(run);

    /// <exception cref="StoreException">It was not written, or not tried, which is transient.</exception>
    /// <exception cref="SourceException">The disk could not be read.</exception>
    public async Task<WriteResult> TakeAsync(StoreKey key, CancellationToken cancellationToken)
    {
        try
        {
            var ended = await _run.Value;
            return ended.TryGetValue(key, out var own) ? await own : throw Alone();
        }
        catch (OperationCanceledException)
        {
            // Any of them that is discarded ends the process of all.
            cancellationToken.ThrowIfCancellationRequested();
            throw Alone();
        }
    }

    private static StoreException Alone() =>
        new(StoreError.StoreUnreachable, "A write to another store, with which this one shared a read, was discarded.");
}
