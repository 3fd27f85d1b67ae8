using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers;

/// <summary>Takes one image from its source to a store: read once, for the store and all digests.</summary>
internal sealed class ImageWrite(WriteJob job, IStoreWriter store, Action<long> report)
{
    /// <exception cref="StoreException">It was not written; nothing is left of it in the store.</exception>
    /// <exception cref="PartLeftException">The same, but something is left.</exception>
    public async Task<WriteResult> RunAsync()
    {
        if (job.Discard)
        {
            await (job.PartOnly ? store.AbandonAsync() : store.DiscardAsync());
            return new WriteResult(job.Size, new Dictionary<string, string>(), store.Facts);
        }

        if (await store.ClaimAsync() is { } kept) return new WriteResult(job.Size, Complete(kept), store.Facts);
        try
        {
            await store.BeginAsync();
            var digests = Copy();
            foreach (var (name, value) in job.Known) digests.TryAdd(name, value);
            await store.CompleteAsync(digests);
            return new WriteResult(job.Size, digests, store.Facts);
        }
        catch (Exception failure)
        {
            if (await TryAbandonAsync()) throw;
            throw new PartLeftException(failure);
        }
    }

    private Dictionary<string, string> Copy()
    {
        using var source = SourceReader.Open(job, job.Digests.Except(job.Known.Keys));
        using var ring = new BlockRing(store.BlockBytes);
        while (true)
        {
            var block = ring.Take();
            source.Read(block);
            if (block.Count == 0) break;
            store.Write(block);
            report(source.Offset);
        }

        ring.Drain();
        return source.Finish(job.Crc32C);
    }

    /// <summary>The digests that were asked for then, and those that are asked for only now: the source is the same.</summary>
    private Dictionary<string, string> Complete(Dictionary<string, string> digests)
    {
        foreach (var (name, value) in job.Known) digests.TryAdd(name, value);
        if (job.Digests.All(digests.ContainsKey)) return digests;
        using var source = SourceReader.Open(job, job.Digests.Except(digests.Keys));
        using var ring = new BlockRing(store.BlockBytes);
        Block block;
        do
        {
            block = ring.Take();
            source.Read(block);
        }
        while (block.Count > 0);

        foreach (var (name, value) in source.Finish(job.Crc32C)) digests[name] = value;
        return digests;
    }

    private async Task<bool> TryAbandonAsync()
    {
        try
        {
            await store.AbandonAsync();
            return true;
        }
        catch (StoreException)
        {
            return false; // what ended the write is what counts; the next attempt, or a discard, removes the part
        }
    }
}
