namespace Sidecar.Stores.Writers.Rbd;

/// <summary>
/// A ring of buffers, each with the writes that are under way from it. The kernel of the disk is another machine's: many
/// requests at once are what a cluster is fast with. One thread at a time.
/// </summary>
internal sealed unsafe class WritesInFlight : IDisposable
{
    private const int MostBuffers = 16;
    private const long MostBytes = 128 << 20;

    // One that is read into, and one whose digests are still computed.
    private const int LeastBuffers = 3;

    private readonly nint _image;
    private readonly Slot[] _slots;
    private int _next;

    public WritesInFlight(nint image, int blockBytes)
    {
        _image = image;
        var count = (int)Math.Clamp(MostBytes / blockBytes, LeastBuffers, MostBuffers);
        // Pinned, as the library reads from them later.
        _slots = [.. Enumerable.Range(0, count).Select(_ => new Slot(GC.AllocateUninitializedArray<byte>(blockBytes, pinned: true)))];
    }

    /// <summary>The next buffer, when all that was written from it is done.</summary>
    /// <exception cref="Core.StoreException">A write failed.</exception>
    public byte[] Take()
    {
        var slot = _slots[_next];
        Settle(slot);
        return slot.Buffer;
    }

    /// <summary>Begins to write a part of the buffer that was taken last.</summary>
    public void Begin(int start, int end, long offset)
    {
        var slot = _slots[_next];
        RbdFault.Check(Librbd.CreateCompletion(0, 0, out var completion), "rbd_aio_create_completion");
        fixed (byte* first = slot.Buffer)
        {
            var answer = Librbd.BeginWrite(_image, (ulong)offset, (nuint)(end - start), first + start, completion);
            if (answer < 0) Librbd.Release(completion);
            RbdFault.Check(answer, $"write at {offset}");
        }

        slot.Completions.Add(completion);
    }

    /// <summary>Goes on to the next buffer.</summary>
    public void Advance() => _next = (_next + 1) % _slots.Length;

    /// <summary>Waits for everything.</summary>
    /// <exception cref="Core.StoreException">A write failed.</exception>
    public void Drain()
    {
        foreach (var slot in _slots) Settle(slot);
    }

    /// <summary>Waits for everything: the library still reads from the buffers.</summary>
    public void Dispose()
    {
        foreach (var completion in _slots.SelectMany(slot => slot.Completions))
        {
            _ = Librbd.Wait(completion);
            Librbd.Release(completion);
        }
    }

    private static void Settle(Slot slot)
    {
        var failed = 0;
        foreach (var completion in slot.Completions)
        {
            _ = Librbd.Wait(completion);
            var answer = (int)Librbd.Outcome(completion);
            if (answer < 0) failed = answer;
            Librbd.Release(completion);
        }

        slot.Completions.Clear();
        RbdFault.Check(failed, "write");
    }

    private sealed record Slot(byte[] Buffer)
    {
        public List<nint> Completions { get; } = [];
    }
}
