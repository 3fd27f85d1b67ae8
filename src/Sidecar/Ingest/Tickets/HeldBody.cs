using System.IO.Pipelines;
using Sidecar.Staging.Core;

namespace Sidecar.Ingest.Tickets;

/// <summary>
/// The body of a stage request that waits at the door until Glance asks for it. One of two comes first and decides: the call that
/// takes it, or the end of the request. Kestrel reuses the reader for the next request of the connection, so that the request
/// must not end while somebody still reads: <see cref="EndAsync"/> tells the reader to stop, and waits until it has.
/// </summary>
internal sealed class HeldBody(
    ImageId imageId, long? length, PipeReader reader, long issuedAt, long? resumeOffset = null, bool isKept = false) : IDisposable
{
    private const int Waiting = 0;
    private const int Taken = 1;
    private const int Over = 2;

    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state = Waiting;
    private long _received;

    public ImageId ImageId => imageId;

    /// <summary>Bytes that the client says it sends; null when it did not.</summary>
    public long? Length => length;

    /// <summary>Where it goes on; null when it is the whole image.</summary>
    public long? ResumeOffset => resumeOffset;

    /// <summary>What arrived is kept when the connection breaks, as the client knows how to go on.</summary>
    public bool IsKept => isKept;

    /// <summary>Bytes of the image, by what the client says.</summary>
    public long? ImageSize => length + (resumeOffset ?? 0);

    /// <summary>For whoever has taken it, until that releases it.</summary>
    public PipeReader Reader => reader;

    /// <summary>Time stamp of the clock.</summary>
    public long IssuedAt => issuedAt;

    /// <summary>Fires when the request is over, be it because its client hung up.</summary>
    public CancellationToken Ended => _ended.Token;

    public bool WasTaken => Volatile.Read(ref _state) == Taken;

    /// <summary>Whether the client has sent all of it, and all of it was read.</summary>
    public bool IsComplete { get; private set; }

    public long Received => Volatile.Read(ref _received);

    /// <summary>Called when it is taken, and when it is released.</summary>
    public Action<bool>? OnReceiving { get; set; }

    /// <summary>False when somebody else was first.</summary>
    public bool TryTake()
    {
        if (Interlocked.CompareExchange(ref _state, Taken, Waiting) != Waiting) return false;
        OnReceiving?.Invoke(true);
        return true;
    }

    public void Advance(long bytes, bool complete)
    {
        Volatile.Write(ref _received, _received + bytes);
        IsComplete = complete;
    }

    /// <summary>By whoever took it: it is not read any more.</summary>
    public void Release()
    {
        OnReceiving?.Invoke(false);
        _released.TrySetResult();
    }

    /// <summary>The request is over. When it returns nobody reads the body, and nobody will.</summary>
    public async Task EndAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Over, Waiting) == Waiting) return;
        await _ended.CancelAsync();
        await _released.Task;
    }

    public void Dispose() => _ended.Dispose();
}
