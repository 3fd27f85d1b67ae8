using Microsoft.Extensions.Options;
using Sidecar.Downloads.Core;

namespace Sidecar.Downloads.Fetching;

/// <summary>What all downloads together may hold in memory of parts whose turn has not come (Downloads:ReadAheadBytes).</summary>
internal sealed class ReadAheadMemory(IOptions<DownloadsOptions> options)
{
    private long _left = options.Value.ReadAheadBytes;

    /// <summary>Never waits: whoever gets none goes on without reading ahead.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _left, -bytes) >= 0) return true;
        Interlocked.Add(ref _left, bytes);
        return false;
    }

    public void Return(int bytes) => Interlocked.Add(ref _left, bytes);
}
