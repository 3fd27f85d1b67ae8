using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Hashing;

/// <summary>
/// Computes one digest of a file while it is received, by reading behind the writer what is in the page cache still, for which
/// the <see cref="CacheWindow"/> provides. Each algorithm has a follower, and so a core, of its own: hashing is slower than any
/// disk. As it starts at byte 0 whatever the upload's offset, a resumed upload needs nothing special.
/// </summary>
internal sealed class BackgroundHasher : IAsyncDisposable
{
    // Large enough to hide the call, small enough for the second-level cache beside another follower's; and each upload that is
    // received has two or three of them.
    private const int BlockBytes = 128 << 10;

    private readonly SafeFileHandle _file;
    private readonly Func<long> _available;
    private readonly CacheWindow _window;
    private readonly ProgressSignal _signal = new();
    private readonly Task<string> _digest;
    private volatile bool _abandoned;
    private volatile bool _ended;
    private long _offset;

    /// <param name="available">How many bytes may be read now; only grows.</param>
    /// <param name="window">Of all that follow the same file, to which this one is added.</param>
    public BackgroundHasher(string algorithm, SafeFileHandle file, Func<long> available, CacheWindow window)
    {
        Algorithm = algorithm;
        _file = file;
        _available = available;
        _window = window;
        window.Add(this);
        _digest = Task.Run(FollowAsync);
    }

    public string Algorithm { get; }

    /// <summary>How far it is.</summary>
    public long Offset => Volatile.Read(ref _offset);

    /// <summary>Whether it will not get further.</summary>
    public bool HasEnded => _ended;

    public void Advance() => _signal.Set();

    /// <summary>The digest of everything that is available now, in lower-case hex. The end of following.</summary>
    /// <exception cref="IOException">The file could not be read back.</exception>
    public Task<string> FinishAsync()
    {
        _signal.Complete();
        return _digest;
    }

    /// <summary>Nobody wants the digest any more.</summary>
    public void Abandon()
    {
        _abandoned = true;
        _signal.Complete();
    }

    public async ValueTask DisposeAsync()
    {
        Abandon();
        // Whoever wanted the digest has seen the failure through FinishAsync; here only the end matters.
        await _digest.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private async Task<string> FollowAsync()
    {
        try
        {
            using var hash = DigestAlgorithms.Start(Algorithm);
            await FollowAsync(hash);
            return Convert.ToHexStringLower(hash.Finish());
        }
        finally
        {
            _ended = true;
            _window.Moved();
        }
    }

    private async Task FollowAsync(RunningDigest hash)
    {
        var offset = 0L;
        var more = true;
        while (!_abandoned)
        {
            await _window.WaitAsync(offset, CancellationToken.None);
            offset = CatchUp(hash, offset);
            if (offset < _available()) continue;
            if (!more) break;
            more = await _signal.WaitAsync();
        }
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
        while (!_abandoned && !_window.IsAhead(offset) && _available() - offset is > 0 and var left)
        {
            var read = RandomAccess.Read(_file, block.AsSpan(0, (int)Math.Min(left, block.Length)), offset);
            if (read == 0) throw new IOException($"The file ends at {offset}, before what was written to it.");
            hash.Append(block.AsSpan(0, read));
            offset += read;
            Volatile.Write(ref _offset, offset);
            _window.Moved();
        }

        return offset;
    }
}
