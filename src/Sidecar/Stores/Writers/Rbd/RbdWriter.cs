using System.Diagnostics;
using System.Text.Json;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers.Rbd;

/// <summary>
/// Writes an image to a Ceph pool: under a name of its own, with everything that Glance's driver does to it, and renamed when
/// it is whole. So whatever ends this process, an image by the final name is complete; and one that carries the mark of its
/// source was written here, by this attempt or one before it.
/// </summary>
internal sealed class RbdWriter(RbdPool pool, WriteJob job)
{
    private const string MarkKey = "glance.sidecar.source";
    private const string DigestsKey = "glance.sidecar.digests";

    // Ceph takes a writer that was killed for alive until its watch ends, after half a minute.
    private static readonly TimeSpan WatchTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan WatchPause = TimeSpan.FromSeconds(1);

    /// <exception cref="StoreException">It was not written; nothing is left of it that could be removed.</exception>
    public static async Task<WriteResult> RunAsync(WriteJob job, Action<long> report)
    {
        using var pool = new RbdPool(job.Rbd);
        var writer = new RbdWriter(pool, job);
        return job.Discard ? await writer.DiscardAsync() : await writer.WriteAsync(report);
    }

    private async Task<WriteResult> WriteAsync(Action<long> report)
    {
        if (Claim() is { } there) return there;
        await RemoveAsync(job.PartName);
        try
        {
            var order = job.Rbd.Order;
            var answer = Librbd.Create(pool.Handle, job.PartName, (ulong)job.Size, pool.Features(), ref order);
            RbdFault.Check(answer, $"create {job.PartName}");
            var digests = Fill(1 << order, report);
            Rename();
            return Result(digests);
        }
        catch (Exception failure)
        {
            if (await TryRemoveAsync()) throw;
            throw new PartLeftException(failure);
        }
    }

    private async Task<WriteResult> DiscardAsync()
    {
        await RemoveAsync(job.PartName);
        if (HasOurs()) await RemoveAsync(job.Name);
        return Result([]);
    }

    private bool HasOurs()
    {
        using var image = RbdImage.TryOpenToRead(pool, job.Name);
        return image?.TryGetMetadata(MarkKey) == job.Mark;
    }

    /// <summary>What is in the pool by the final name, when it is of this source; null when there is nothing.</summary>
    private WriteResult? Claim()
    {
        using var image = RbdImage.TryOpenToRead(pool, job.Name);
        if (image is null) return null;
        var isOurs = image.TryGetMetadata(MarkKey) == job.Mark && image.Size == job.Size && image.IsSealed;
        if (isOurs && Parse(image.TryGetMetadata(DigestsKey)) is { } digests) return Result(Complete(digests));
        throw new StoreException(
            StoreError.StoreDuplicate,
            $"The Ceph pool has an image {job.Name} that was not written from this source. It is left as it is: remove it if nobody "
            + "needs it.");
    }

    /// <summary>The digests that were asked for then, and those that are asked for only now: the source is the same.</summary>
    private Dictionary<string, string> Complete(Dictionary<string, string> digests)
    {
        if (job.Digests.All(digests.ContainsKey)) return digests;
        var block = new byte[1 << job.Rbd.Order];
        var next = new byte[block.Length];
        using var source = new SourceReader(job.Path, job.Size, job.Digests.Except(digests.Keys));
        while (source.Read(block) is { Count: > 0 }) (block, next) = (next, block);
        foreach (var (name, value) in source.Finish(job.Crc32C)) digests[name] = value;
        return digests;
    }

    private Dictionary<string, string> Fill(int objectBytes, Action<long> report)
    {
        using var image = RbdImage.Open(pool, job.PartName);
        image.SetMetadata(MarkKey, job.Mark);
        var digests = Copy(image, objectBytes, report);
        foreach (var (name, value) in job.Known) digests.TryAdd(name, value);
        image.Flush();
        image.SetMetadata(DigestsKey, JsonSerializer.Serialize(digests, WriteJson.Default.DictionaryStringString));
        image.Seal();
        return digests;
    }

    // Block by block as the pool's objects are, so that each is made by one request where all of it is data.
    private Dictionary<string, string> Copy(RbdImage image, int objectBytes, Action<long> report)
    {
        using var source = new SourceReader(job.Path, job.Size, job.Digests.Except(job.Known.Keys));
        using var writes = new WritesInFlight(image.Handle, objectBytes);
        while (true)
        {
            var buffer = writes.Take();
            var offset = source.Offset;
            var (count, hasData) = source.Read(buffer);
            if (count == 0) break;
            if (hasData)
            {
                foreach (var (start, end) in DataRuns.Of(buffer.AsSpan(0, count))) writes.Begin(start, end, offset + start);
            }

            writes.Advance();
            report(source.Offset);
        }

        writes.Drain();
        return source.Finish(job.Crc32C);
    }

    private void Rename()
    {
        var answer = Librbd.Rename(pool.Handle, job.PartName, job.Name);
        if (answer == RbdFault.Exists)
        {
            throw new StoreException(
                StoreError.StoreDuplicate,
                $"Somebody made an image {job.Name} in the Ceph pool while this one was being written. It is left as it is.");
        }

        RbdFault.Check(answer, $"rename to {job.Name}");
    }

    /// <summary>Removes an image with its snapshot, if there is one.</summary>
    private async Task RemoveAsync(string name)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            using (var image = RbdImage.TryOpenToRead(pool, name))
            {
                if (image is null) return;
            }

            using (var image = RbdImage.Open(pool, name)) image.Unseal();
            var answer = Librbd.Remove(pool.Handle, name);
            if (answer is 0 or RbdFault.NotFound) return;
            if (answer != RbdFault.Busy || since.Elapsed > WatchTime) throw RbdFault.Of(answer, $"remove {name}");
            await Task.Delay(WatchPause);
        }
    }

    private async Task<bool> TryRemoveAsync()
    {
        try
        {
            await RemoveAsync(job.PartName);
            return true;
        }
        catch (StoreException)
        {
            return false; // what ended the write is what counts; the next attempt, or a discard, removes the part
        }
    }

    private WriteResult Result(Dictionary<string, string> digests) => new(
        job.Size, digests,
        new Dictionary<string, string> { ["fsid"] = pool.Id, ["pool"] = job.Rbd.Pool, ["snapshot"] = RbdImage.Snapshot });

    // Others may write metadata too.
    private static Dictionary<string, string>? Parse(string? digests)
    {
        try
        {
            return digests is null ? null : JsonSerializer.Deserialize(digests, WriteJson.Default.DictionaryStringString);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
