using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Hashing;

/// <summary>
/// Computes one digest of an upload while it is received, by reading behind the writer what is in the page cache
/// still. Each algorithm has a follower, and so a core, of its own: hashing is slower than any disk. As it starts at
/// byte 0 whatever the upload's offset, a resumed upload needs nothing special.
/// </summary>
internal sealed class BackgroundHasher : IAsyncDisposable
{
    // Large enough to hide the call, small enough for the second-level cache beside another follower's; and each upload that is
    // received has two or three of them.
    private const int BlockBytes = 128 << 10;

    private readonly SafeFileHandle _file;
    private readonly Func<long> _available;
    private readonly ProgressSignal _signal = new();
    private readonly Task<string> _digest;
    private volatile bool _abandoned;
    private long _offset;

    /// <param name="available">How many bytes may be read now; only grows.</param>
    public BackgroundHasher(string algorithm, SafeFileHandle file, Func<long> available)
    {
        Algorithm = algorithm;
        _file = file;
        _available = available;
        _digest = Task.Run(FollowAsync);
    }

    public string Algorithm { get; }

    /// <summary>How far it is.</summary>
    public long Offset => Volatile.Read(ref _offset);

    public void Advance() => _signal.Set();

    /// <summary>The digest of everything that is available now, in lower-case hex. The end of following.</summary>
    /// <exception cref="IOException">The file could not be read back.</exception>
    public Task<string> FinishAsync()
    {
        _signal.Complete();
        return _digest;
    }

    public async ValueTask DisposeAsync()
    {
        _abandoned = true;
        _signal.Complete();
        // Whoever wanted the digest has seen the failure through FinishAsync; here only the end matters.
        await _digest.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private async Task<string> FollowAsync()
    {
        using var hash = DigestAlgorithms.Start(Algorithm);
        var offset = 0L;
        var more = true;
        while (!_abandoned)
        {
            offset = CatchUp(hash, offset);
            if (offset < _available()) continue;
            if (!more) break;
            more = await _signal.WaitAsync();
        }

        return Convert.ToHexStringLower(hash.Finish());
    }

    // Who waits holds no block: of many uploads at once only as many followers have one as there are threads that hash.
    private long CatchUp(RunningDigest hash, long offset)
    {
        var block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            return CatchUp(hash, block, offset);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private long CatchUp(RunningDigest hash, byte[] block, long offset)
    {
        while (!_abandoned && _available() - offset is > 0 and var ahead)
        {
            var read = RandomAccess.Read(_file, block.AsSpan(0, (int)Math.Min(ahead, block.Length)), offset);
            if (read == 0) throw new IOException($"The upload's file ends at {offset}, before what was written to it.");
            hash.Append(block.AsSpan(0, read));
            offset += read;
            Volatile.Write(ref _offset, offset);
        }

        return offset;
    }
}
