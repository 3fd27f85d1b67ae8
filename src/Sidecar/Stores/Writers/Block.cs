namespace Sidecar.Stores.Writers;

/// <summary>A piece of the image in memory that stays where it is, as client libraries read from it later.</summary>
internal sealed class Block(int bytes)
{
    private readonly List<IPendingWrite> _pending = [];

    public byte[] Buffer { get; } = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);

    /// <summary>Where in the image it begins.</summary>
    public long Offset { get; private set; }

    public int Count { get; private set; }

    /// <summary>False of a hole, of which the buffer holds something else.</summary>
    public bool HasData { get; private set; }

    public ReadOnlySpan<byte> Data => Buffer.AsSpan(0, HasData ? Count : 0);

    public void Set(long offset, int count, bool hasData) => (Offset, Count, HasData) = (offset, count, hasData);

    /// <summary>
    /// Told of failures of the writes that are awaited from now on, which are nobody else's then; null: <see cref="Settle"/> throws.
    /// </summary>
    public Action<Core.StoreException>? Failed { get; set; }

    /// <summary>Tells of a write from it. Before the write begins: what fails half-way has to be waited for too.</summary>
    public void Await(IPendingWrite write) => _pending.Add(Failed is { } failed ? new WatchedWrite(write, failed) : write);

    /// <summary>Waits until nobody reads from it.</summary>
    /// <exception cref="Core.StoreException">A write failed. All were waited for.</exception>
    public void Settle()
    {
        Core.StoreException? first = null;
        foreach (var write in _pending)
        {
            try
            {
                write.Wait();
            }
            catch (Core.StoreException failure)
            {
                first ??= failure;
            }
        }

        _pending.Clear();
        if (first is not null) throw first;
    }

    private sealed class WatchedWrite(IPendingWrite write, Action<Core.StoreException> failed) : IPendingWrite
    {
        public void Wait()
        {
            try
            {
                write.Wait();
            }
            catch (Core.StoreException failure)
            {
                failed(failure);
            }
        }
    }
}
