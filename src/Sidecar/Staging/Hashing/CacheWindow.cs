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
/// <param name="sharedBytes">How far all uploads together may be ahead of their digests; see <see cref="SharedBytes"/>.</param>
/// <param name="mostBytesBehind">Who is further behind is not waited for.</param>
internal sealed class CacheWindow(long sharedBytes, long mostBytesBehind) : IDisposable
{
    // What was read once stays in the cache longer than what was not read yet, and the programs of imports want memory, too.
    private const int PartOfMemory = 12;

    // The less, the more often everybody stops and starts again. More than the largest is not needed, as nothing ends sooner for it.
    private const long SmallestSharedBytes = 32 << 20;
    private const long LargestSharedBytes = 512 << 20;

    // A few chunks: with less, whoever waits is woken for every one.
    private const long SmallestBytes = 4 << 20;

    // Of the process. Whoever opens or closes one while another looks makes that one's window a little larger or smaller.
    private static int _open;

    private readonly List<Waiter> _waiters = []; // and its lock
    private volatile BackgroundHasher[] _followers = [];
    private int _waiting;

    /// <summary>What all uploads share in a pod with so much memory, in bytes.</summary>
    public static long SharedBytes(long memoryBytes) =>
        Math.Clamp(memoryBytes / PartOfMemory, SmallestSharedBytes, LargestSharedBytes);

    /// <summary>How far one of so many uploads may be ahead of its digests, in bytes.</summary>
    public static long Bytes(long sharedBytes, int uploads) => Math.Max(sharedBytes / Math.Max(uploads, 1), SmallestBytes);

    /// <summary>From now on it is waited for. Called by the writer alone.</summary>
    public void Add(BackgroundHasher follower)
    {
        if (_followers.Length == 0) Interlocked.Increment(ref _open);
        _followers = [.. _followers, follower];
    }

    /// <summary>Whether whoever is at this offset has to wait for a follower.</summary>
    public bool IsAhead(long offset) => IsAhead(offset, Bytes(sharedBytes, Volatile.Read(ref _open)));

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
        var bytes = Bytes(sharedBytes, Volatile.Read(ref _open)) / 2;
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

    private sealed class Waiter(long offset)
    {
        public long Offset => offset;

        public TaskCompletionSource Near { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
