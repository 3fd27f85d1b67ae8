using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers;

/// <summary>One of several stores that a source is written to in one read. What fails here ends nothing elsewhere.</summary>
internal sealed class StoreLane(WriteJob job) : IDisposable
{
    private IStoreWriter? _store;
    private bool _hasPart;

    /// <summary>Why it was not written; null as long as nothing failed.</summary>
    public Exception? Failure { get; private set; }

    public WriteResult? Result { get; private set; }

    /// <summary>It takes what is read.</summary>
    public bool IsOpen => Failure is null && Result is null;

    public int BlockBytes => _store!.BlockBytes;

    /// <summary>Connects and begins a part, unless the store has the image.</summary>
    public Task BeginAsync(Func<WriteJob, IStoreWriter> open) => GuardAsync(async () =>
    {
        _store = open(job);
        if (await _store.ClaimAsync() is { } kept)
        {
            foreach (var (name, value) in job.Known) kept.TryAdd(name, value);
            if (!job.Digests.All(kept.ContainsKey)) throw Alone();
            Result = new WriteResult(job.Size, kept, _store.Facts);
            return;
        }

        _hasPart = true;
        await _store.BeginAsync();
    });

    public void Write(Block block)
    {
        block.Failed = failure => Failure ??= failure;
        try
        {
            _store!.Write(block);
        }
        catch (StoreException failure)
        {
            Failure ??= failure;
        }
        finally
        {
            block.Failed = null;
        }
    }

    public Task CompleteAsync(IReadOnlyDictionary<string, string> computed) => GuardAsync(async () =>
    {
        var digests = computed.Where(digest => job.Digests.Contains(digest.Key)).ToDictionary();
        foreach (var (name, value) in job.Known) digests.TryAdd(name, value);
        await _store!.CompleteAsync(digests);
        Result = new WriteResult(job.Size, digests, _store.Facts);
    });

    /// <summary>Removes the part of what failed, here or because the source could not be read.</summary>
    /// <param name="cause">Of a source that could not be read.</param>
    public async Task AbandonAsync(Exception? cause)
    {
        if (Result is not null) return;
        Failure ??= cause;
        if (Failure is not { } failure || !_hasPart) return;
        try
        {
            await _store!.AbandonAsync();
        }
        catch (StoreException)
        {
            Failure = new PartLeftException(failure);
        }
    }

    public void Dispose() => _store?.Dispose();

    private async Task GuardAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
#pragma warning disable CA1031 // Whatever it was is told of this store; the others go on.
        catch (Exception failure)
        {
            Failure ??= failure;
        }
#pragma warning restore CA1031
    }

    // What an earlier write has not computed takes a read that the others need not wait for.
    private static StoreException Alone() => new(
        StoreError.StoreUnreachable, "The store has the image already, and other digests of it are wanted: it is read once more.");
}
