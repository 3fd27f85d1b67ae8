using System.Diagnostics;
using System.Text.Json;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers.Rbd;

/// <summary>
/// Writes an image to a Ceph pool: under a name of its own, with everything that Glance's driver does to it, and renamed when
/// it is whole. So whatever ends this process, an image by the final name is complete; and one that carries the mark of its
/// source was written here, by this attempt or one before it.
/// </summary>
internal sealed class RbdWriter : IStoreWriter
{
    private const string MarkKey = "glance.sidecar.source";
    private const string DigestsKey = "glance.sidecar.digests";

    // Ceph takes a writer that was killed for alive until its watch ends, after half a minute.
    private static readonly TimeSpan WatchTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan WatchPause = TimeSpan.FromSeconds(1);

    private readonly RbdPool _pool;
    private readonly WriteJob _job;
    private readonly int _order;
    private RbdImage? _part;

    /// <exception cref="StoreException">The pool cannot be reached.</exception>
    public RbdWriter(WriteJob job, RbdJob place)
    {
        _job = job;
        _order = place.Order;
        _pool = new RbdPool(place);
        Facts = new Dictionary<string, string>
        {
            ["fsid"] = _pool.Id, ["pool"] = place.Pool, ["snapshot"] = RbdImage.Snapshot,
        };
    }

    /// <summary>As the image's objects are, so that each is made by one request where all of it is data.</summary>
    public int BlockBytes => 1 << _order;

    public IReadOnlyDictionary<string, string> Facts { get; }

    public Task<Dictionary<string, string>?> ClaimAsync()
    {
        using var image = RbdImage.TryOpenToRead(_pool, _job.Name);
        if (image is null) return Task.FromResult<Dictionary<string, string>?>(null);
        var isOurs = image.TryGetMetadata(MarkKey) == _job.Mark && image.Size == _job.Size && image.IsSealed;
        if (isOurs && Parse(image.TryGetMetadata(DigestsKey)) is { } digests) return Task.FromResult<Dictionary<string, string>?>(digests);
        throw new StoreException(
            StoreError.StoreDuplicate,
            $"The Ceph pool has an image {_job.Name} that was not written from this source. It is left as it is: remove it if nobody "
            + "needs it.");
    }

    public async Task BeginAsync()
    {
        await RemoveAsync(_job.PartName);
        var order = _order;
        var answer = Librbd.Create(_pool.Handle, _job.PartName, (ulong)_job.Size, _pool.Features(), ref order);
        RbdFault.Check(answer, $"create {_job.PartName}");
        _part = RbdImage.Open(_pool, _job.PartName);
        _part.SetMetadata(MarkKey, _job.Mark);
    }

    public void Write(Block block)
    {
        if (!block.HasData) return;
        var writes = new RbdWrites(_part!.Handle);
        block.Await(writes);
        foreach (var (start, end) in DataRuns.Of(block.Data)) writes.Begin(block.Data[start..end], block.Offset + start);
    }

    public Task CompleteAsync(IReadOnlyDictionary<string, string> digests)
    {
        _part!.Flush();
        _part.SetMetadata(DigestsKey, JsonSerializer.Serialize(digests.ToDictionary(), WriteJson.Default.DictionaryStringString));
        _part.Seal();
        ClosePart();
        Rename();
        return Task.CompletedTask;
    }

    public Task AbandonAsync()
    {
        ClosePart();
        return RemoveAsync(_job.PartName);
    }

    public async Task DiscardAsync()
    {
        await RemoveAsync(_job.PartName);
        if (HasOurs()) await RemoveAsync(_job.Name);
    }

    public void Dispose()
    {
        ClosePart();
        _pool.Dispose();
    }

    private void ClosePart()
    {
        _part?.Dispose();
        _part = null;
    }

    private bool HasOurs()
    {
        using var image = RbdImage.TryOpenToRead(_pool, _job.Name);
        return image?.TryGetMetadata(MarkKey) == _job.Mark;
    }

    private void Rename()
    {
        var answer = Librbd.Rename(_pool.Handle, _job.PartName, _job.Name);
        if (answer == RbdFault.Exists)
        {
            throw new StoreException(
                StoreError.StoreDuplicate,
                $"Somebody made an image {_job.Name} in the Ceph pool while this one was being written. It is left as it is.");
        }

        RbdFault.Check(answer, $"rename to {_job.Name}");
    }

    /// <summary>Removes an image with its snapshot, if there is one.</summary>
    private async Task RemoveAsync(string name)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            using (var image = RbdImage.TryOpenToRead(_pool, name))
            {
                if (image is null) return;
            }

            using (var image = RbdImage.Open(_pool, name)) image.Unseal();
            var answer = Librbd.Remove(_pool.Handle, name);
            if (answer is 0 or RbdFault.NotFound) return;
            if (answer != RbdFault.Busy || since.Elapsed > WatchTime) throw RbdFault.Of(answer, $"remove {name}");
            await Task.Delay(WatchPause);
        }
    }

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
