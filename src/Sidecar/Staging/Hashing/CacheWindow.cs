namespace Sidecar.Staging.Hashing;

/// <summary>
/// Keeps one upload's writer and those who read behind it so near each other that what is read was not dropped from the page cache
/// before: digests are slower than networks and disks, and a pod's memory holds a small part of an image. Whoever is too far ahead
/// waits, which costs an upload no time, as its commit has to wait for the digests anyway.
/// <para>
/// Who is very far behind is not waited for: it comes after a hole, which needs no cache and takes no time to arrive, or reads what
/// was received by an earlier call.
/// </para>
/// </summary>
/// <param name="mostBytesBehind">Who is further behind is not waited for.</param>
internal sealed class CacheWindow(long mostBytesBehind) : IDisposable
{
    // Of all uploads together: little beside what a pod has for its page cache, much beside what arrives between two wake-ups.
    private const long SharedBytes = 32 << 20;

    // A few chunks: with less, whoever waits is woken for every one.
    private const long SmallestBytes = 4 << 20;

    // Of the process. Whoever opens or closes one while another looks makes that one's window a little larger or smaller.
    private static int _open;

    private readonly List<Waiter> _waiters = []; // and its lock
    private volatile BackgroundHasher[] _followers = [];
    private int _waiting;

    /// <summary>How far one of so many uploads may be ahead of its digests, in bytes.</summary>
    public static long Bytes(int uploads) => Math.Max(SharedBytes / Math.Max(uploads, 1), SmallestBytes);

    /// <summary>From now on it is waited for. Called by the writer alone.</summary>
    public void Add(BackgroundHasher follower)
    {
        if (_followers.Length == 0) Interlocked.Increment(ref _open);
        _followers = [.. _followers, follower];
    }

    /// <summary>Whether whoever is at this offset has to wait for a follower.</summary>
    public bool IsAhead(long offset) => IsAhead(offset, Bytes(Volatile.Read(ref _open)));

    /// <summary>Waits until all followers are near enough to this offset, or very far behind it.</summary>
    public async ValueTask WaitAsync(long offset, CancellationToken cancellationToken)
    {
        if (!IsAhead(offset)) return;
        var waiter = new Waiter(offset);
        lock (_waiters) _waiters.Add(waiter);
        Interlocked.Increment(ref _waiting);
        try
        {
            // A follower that moved just now may not have seen that anybody waits; then its offset is seen here. Both have a full
            // fence between their own write and the look at the other's.
            Wake();
            await waiter.Near.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
            lock (_waiters) _waiters.Remove(waiter);
        }
    }

    /// <summary>A follower has got further, or has ended.</summary>
    public void Moved()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _waiting) > 0) Wake();
    }

    public void Dispose()
    {
        if (_followers.Length > 0) Interlocked.Decrement(ref _open);
        _followers = [];
    }

    // Half of the window, so that nobody is woken for each block.
    private void Wake()
    {
        var bytes = Bytes(Volatile.Read(ref _open)) / 2;
        lock (_waiters)
        {
            foreach (var waiter in _waiters)
            {
                if (!IsAhead(waiter.Offset, bytes)) waiter.Near.TrySetResult();
            }
        }
    }

    private bool IsAhead(long offset, long bytes)
    {
        foreach (var follower in _followers)
        {
            if (!follower.HasEnded && offset - follower.Offset is var behind && behind > bytes && behind <= mostBytesBehind) return true;
        }

        return false;
    }

    private sealed record Waiter(long Offset)
    {
        public TaskCompletionSource Near { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
