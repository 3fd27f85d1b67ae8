using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Sidecar.Hosting;

/// <summary>One pool for all of Kestrel.</summary>
internal sealed class LargeBlockPoolFactory : IMemoryPoolFactory<byte>, IDisposable
{
    private readonly LargeBlockPool _pool = new();

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => _pool;

    public void Dispose() => _pool.Dispose();
}
