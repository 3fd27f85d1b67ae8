using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Sidecar.Hosting.Listening;

/// <summary>One pool for all of Kestrel.</summary>
internal sealed class LargeBlockPoolFactory : IMemoryPoolFactory<byte>, IDisposable
{
    // Large blocks may take an eighth of the memory that the process may use, and 256 MiB at most: more than that many
    // blocks are in use by more senders than any processor keeps up with.
    private const int ShareOfMemory = 8;
    private const int MostBlocks = 1024;

    /// <summary>The pool of all connections.</summary>
    public LargeBlockPool Pool { get; } = new((int)Math.Min(
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / ShareOfMemory / LargeBlockPool.BlockBytes, MostBlocks));

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => Pool;

    public void Dispose() => Pool.Dispose();
}
