using System.Buffers;
using System.Collections.Concurrent;

namespace Sidecar.Hosting;

/// <summary>
/// Pinned blocks of 256 KiB for Kestrel's sockets and pipes. Its own pool hands out 4 KiB blocks, so that a socket is
/// read 4 KiB at a time and most of the CPU time goes into the calls.
/// Blocks beyond <see cref="MaxIdleBlocks"/> go back to the garbage collector when a burst is over.
/// </summary>
internal sealed class LargeBlockPool : MemoryPool<byte>
{
    public const int BlockBytes = 256 << 10;

    private const int MaxIdleBlocks = 128; // 32 MiB: sixteen uploads with their windows full

    private readonly ConcurrentQueue<Block> _idle = new();
    private int _idleCount;

    public override int MaxBufferSize => BlockBytes;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (!_idle.TryDequeue(out var block)) return new Block(this);
        Interlocked.Decrement(ref _idleCount);
        block.Lend();
        return block;
    }

    protected override void Dispose(bool disposing) => _idle.Clear();

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _idleCount) <= MaxIdleBlocks) _idle.Enqueue(block);
        else Interlocked.Decrement(ref _idleCount);
    }

    private sealed class Block(LargeBlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);
        private int _lent = 1;

        public Memory<byte> Memory => _bytes;

        public void Lend() => _lent = 1;

        public void Dispose()
        {
            // A second dispose must not put the block into two hands.
            if (Interlocked.Exchange(ref _lent, 0) == 1) pool.Return(this);
        }
    }
}
