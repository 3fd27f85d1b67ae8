using System.Buffers;
using System.Threading.Channels;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Hashing;

/// <summary>
/// Digests of bytes that come in order, each computed on a thread of its own, a few blocks behind the others or before them: one
/// alone is slower than many a source, and were they to wait for each other at every block, each would wait for the other's
/// processor, too. Used by one thread at a time, which fills a block and hands it over.
/// </summary>
internal sealed class DigestQueue : IDisposable
{
    // Large against the cost of handing a block to the other threads, small against memory.
    private const int BlockBytes = 512 << 10;

    private static readonly byte[] Zeros = new byte[BlockBytes];

    private readonly SemaphoreSlim _free;
    private readonly Block[] _blocks;
    private readonly Channel<Block>[] _queues;
    private readonly Task _computing;
    private int _current;

    /// <param name="digests">At least one. The caller's again when <see cref="CompleteAsync"/> is done.</param>
    /// <param name="blocks">How many blocks the fastest may be before the slowest, in half mebibytes of memory.</param>
    public DigestQueue(IReadOnlyCollection<RunningDigest> digests, int blocks)
    {
        ArgumentOutOfRangeException.ThrowIfZero(digests.Count);
        _free = new SemaphoreSlim(blocks);
        _blocks = [.. Enumerable.Range(0, blocks).Select(_ => new Block())];
        _queues = [.. digests.Select(_ => Channel.CreateUnbounded<Block>(new() { SingleReader = true, SingleWriter = true }))];
        _computing = Task.WhenAll(digests.Zip(_queues).Select(pair => Task.Run(() => ComputeAsync(pair.First, pair.Second.Reader))).ToList());
    }

    // Blocks become free in the order in which they were handed over, as every queue has that order.
    private Block Current => _blocks[_current];

    /// <summary>Waits until there is a block to be filled.</summary>
    public async Task<Memory<byte>> NextAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        return Current.ToFill();
    }

    /// <summary>Hands over the first bytes of the block that <see cref="NextAsync"/> gave.</summary>
    public void HandOver(int count) => HandOver(Current.Filled(count));

    /// <summary>Appends bytes, which are the caller's again when this returns.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            _free.Wait();
            var count = Math.Min(bytes.Length, BlockBytes);
            bytes[..count].CopyTo(Current.ToFill().Span);
            HandOver(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Appends zeros, as many as a block has or fewer.</summary>
    /// <returns>How many.</returns>
    public int AppendZeros(long most)
    {
        _free.Wait();
        var count = (int)Math.Min(most, Zeros.Length);
        HandOver(Current.Of(Zeros.AsMemory(0, count)));
        return count;
    }

    /// <summary>No more will come. Completes when all is computed.</summary>
    public Task CompleteAsync()
    {
        foreach (var queue in _queues) queue.Writer.TryComplete();
        return _computing;
    }

    /// <summary>After <see cref="CompleteAsync"/>: nobody may be given a block that a digest is computed of.</summary>
    public void Dispose()
    {
        _free.Dispose();
        foreach (var block in _blocks) block.Dispose();
    }

    private void HandOver(Block block)
    {
        block.Readers = _queues.Length;
        _current = (_current + 1) % _blocks.Length;
        foreach (var queue in _queues) queue.Writer.TryWrite(block);
    }

    // One that fails goes on taking blocks, or whoever fills them would wait for ever; its failure shows at the end.
    private async Task ComputeAsync(RunningDigest digest, ChannelReader<Block> queue)
    {
        Exception? failure = null;
        await foreach (var block in queue.ReadAllAsync())
        {
            try
            {
                if (failure is null) digest.Append(block.Bytes.Span);
            }
            catch (Exception broken)
            {
                failure = broken;
            }

            if (Interlocked.Decrement(ref block.Readers) == 0) _free.Release();
        }

        if (failure is not null) throw new InvalidOperationException("A digest could not be computed.", failure);
    }

    private sealed class Block : IDisposable
    {
        /// <summary>Digests that have not had it yet.</summary>
        public int Readers;

        private byte[]? _buffer;

        public Memory<byte> Bytes { get; private set; }

        public Memory<byte> ToFill() => (_buffer ??= ArrayPool<byte>.Shared.Rent(BlockBytes)).AsMemory(0, BlockBytes);

        public Block Filled(int count) => Of(_buffer.AsMemory(0, count));

        public Block Of(Memory<byte> bytes)
        {
            Bytes = bytes;
            return this;
        }

        public void Dispose()
        {
            if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }
    }
}
