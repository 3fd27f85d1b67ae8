namespace Sidecar.Stores.Writers.Rbd;

/// <summary>The writes of one block that are under way to a pool.</summary>
internal sealed unsafe class RbdWrites(nint image) : IPendingWrite
{
    private readonly List<nint> _completions = [];

    /// <summary>Begins to write some bytes, which must stay where they are until <see cref="Wait"/> returns.</summary>
    /// <exception cref="Core.StoreException">It cannot begin.</exception>
    public void Begin(ReadOnlySpan<byte> bytes, long offset)
    {
        RbdFault.Check(Librbd.CreateCompletion(0, 0, out var completion), "rbd_aio_create_completion");
        fixed (byte* first = bytes)
        {
            var answer = Librbd.BeginWrite(image, (ulong)offset, (nuint)bytes.Length, first, completion);
            if (answer < 0) Librbd.Release(completion);
            RbdFault.Check(answer, $"write at {offset}");
        }

        _completions.Add(completion);
    }

    public void Wait()
    {
        var failed = 0;
        foreach (var completion in _completions)
        {
            _ = Librbd.Wait(completion);
            var answer = (int)Librbd.Outcome(completion);
            if (answer < 0) failed = answer;
            Librbd.Release(completion);
        }

        _completions.Clear();
        RbdFault.Check(failed, "write");
    }
}
