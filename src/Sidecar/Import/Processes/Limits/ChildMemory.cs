namespace Sidecar.Import.Processes.Limits;

/// <summary>
/// Promises of memory to the programs of all imports, so that together they never take what the daemon needs: where the
/// kernel ends a whole cgroup for want of memory, uploads would end with them. Who does not fit waits, in order, so that
/// small ones do not hold up a large one for ever.
/// </summary>
internal sealed class ChildMemory(long totalBytes)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiting = [];
    private long _freeBytes = totalBytes;

    public long TotalBytes { get; } = totalBytes;

    /// <summary>Waits until there is so much, or all that there is where that is less. Disposing gives it back.</summary>
    /// <exception cref="OperationCanceledException">Nothing was taken.</exception>
    public async Task<IDisposable> TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(Math.Clamp(bytes, 0, TotalBytes));
        lock (_lock)
        {
            _waiting.AddLast(waiter);
            Serve();
        }

        using var cancelling = cancellationToken.Register(() => GiveUp(waiter));
        await waiter.Turn.Task;
        return new Promise(this, waiter.Bytes);
    }

    // A cancellation and a turn may come at once: whichever is first under the lock counts, and the other finds it done.
    private void GiveUp(Waiter waiter)
    {
        lock (_lock)
        {
            if (!_waiting.Remove(waiter)) return;
            waiter.Turn.SetCanceled();
            Serve();
        }
    }

    private void GiveBack(long bytes)
    {
        lock (_lock)
        {
            _freeBytes += bytes;
            Serve();
        }
    }

    private void Serve()
    {
        while (_waiting.First is { } next && next.Value.Bytes <= _freeBytes)
        {
            _waiting.RemoveFirst();
            _freeBytes -= next.Value.Bytes;
            next.Value.Turn.SetResult();
        }
    }

    private sealed class Waiter(long bytes)
    {
        public long Bytes { get; } = bytes;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Promise(ChildMemory memory, long bytes) : IDisposable
    {
        private long _bytes = bytes;

        public void Dispose() => memory.GiveBack(Interlocked.Exchange(ref _bytes, 0));
    }
}
