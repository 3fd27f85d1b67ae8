using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers;

/// <summary>
/// Blocks in turn, so that many writes are under way: the disks are other machines', which are fast with many requests at once.
/// One thread at a time.
/// </summary>
internal sealed class BlockRing : IDisposable
{
    private const int MostBlocks = 16;

    /// <summary>What all blocks together take, unless they are so large that the least number of them takes more.</summary>
    public const long MostBytes = 128 << 20;

    // One that is read into while two are written.
    private const int LeastBlocks = 3;

    private readonly Block[] _blocks;
    private int _next;

    public BlockRing(int blockBytes)
    {
        _blocks = [.. Enumerable.Range(0, CountOf(blockBytes)).Select(_ => new Block(blockBytes))];
    }

    /// <summary>Memory of all blocks of one size.</summary>
    public static long BytesOf(int blockBytes) => (long)CountOf(blockBytes) * blockBytes;

    private static int CountOf(int blockBytes) => (int)Math.Clamp(MostBytes / blockBytes, LeastBlocks, MostBlocks);

    /// <summary>The next block, when all that was written from it is done.</summary>
    /// <exception cref="StoreException">A write failed.</exception>
    public Block Take()
    {
        var block = _blocks[_next];
        _next = (_next + 1) % _blocks.Length;
        block.Settle();
        return block;
    }

    /// <summary>Waits for everything.</summary>
    /// <exception cref="StoreException">A write failed.</exception>
    public void Drain()
    {
        foreach (var block in _blocks) block.Settle();
    }

    /// <summary>Waits for everything: stores still read from the blocks.</summary>
    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            try
            {
                block.Settle();
            }
            catch (StoreException)
            {
                // Whoever does not wait for the writes has a failure of his own.
            }
        }
    }
}
