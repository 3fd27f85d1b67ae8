using System.Buffers;
using System.Collections.Concurrent;

namespace Sidecar.Hosting.Listening;

/// <summary>
/// Pinned blocks of 256 KiB for Kestrel's sockets and pipes. Its own pool hands out 4 KiB blocks, so that a socket is
/// read 4 KiB at a time and most of the CPU time goes into the calls.
/// <para>
/// Only so many are lent at a time. Whoever needs more at once is no fast sender but many slow ones, each of which would
/// hold a whole block for a few bytes; they get small ones, which are the garbage collector's. Large blocks that were not
/// needed for a while are given back by <see cref="Trim"/>.
/// </para>
/// </summary>
/// <param name="mostLent">Large blocks that may be lent at a time.</param>
internal sealed class LargeBlockPool(int mostLent) : MemoryPool<byte>
{
    public const int BlockBytes = 256 << 10;
    public const int SmallBlockBytes = 16 << 10;

    private const int MaxIdleBlocks = 128; // 32 MiB: sixteen uploads with their windows full

    private readonly ConcurrentQueue<Block> _idle = new();
    private int _idleCount;
    private int _fewestIdle;
    private int _lent;

    public override int MaxBufferSize => BlockBytes;

    /// <summary>Large blocks that are in use.</summary>
    public int Lent => Volatile.Read(ref _lent);

    /// <summary>Large blocks that wait for being needed.</summary>
    public int Idle => Volatile.Read(ref _idleCount);

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (Interlocked.Increment(ref _lent) > mostLent && minBufferSize <= SmallBlockBytes)
        {
            Interlocked.Decrement(ref _lent);
            return new SmallBlock();
        }

        if (!_idle.TryDequeue(out var block)) return new Block(this);
        NoteIdle(Interlocked.Decrement(ref _idleCount));
        block.Lend();
        return block;
    }

    /// <summary>Forgets the idle blocks that nobody needed since this was called last.</summary>
    public void Trim()
    {
        var surplus = Interlocked.Exchange(ref _fewestIdle, Volatile.Read(ref _idleCount));
        while (surplus-- > 0 && _idle.TryDequeue(out _)) NoteIdle(Interlocked.Decrement(ref _idleCount));
    }

    protected override void Dispose(bool disposing) => _idle.Clear();

    // Two that note at once may leave the larger number: then a block too many is forgotten, and made again when needed.
    private void NoteIdle(int count)
    {
        if (count < Volatile.Read(ref _fewestIdle)) Volatile.Write(ref _fewestIdle, count);
    }

    private void Return(Block block)
    {
        Interlocked.Decrement(ref _lent);
        if (Interlocked.Increment(ref _idleCount) <= MaxIdleBlocks) _idle.Enqueue(block);
        else Interlocked.Decrement(ref _idleCount);
    }

    private sealed class Block(LargeBlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);
        private int _isLent = 1;

        public Memory<byte> Memory => _bytes;

        public void Lend() => _isLent = 1;

        public void Dispose()
        {
            // A second dispose must not put the block into two hands.
            if (Interlocked.Exchange(ref _isLent, 0) == 1) pool.Return(this);
        }
    }

    private sealed class SmallBlock : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = GC.AllocateUninitializedArray<byte>(SmallBlockBytes);

        public void Dispose()
        {
        }
    }
}
