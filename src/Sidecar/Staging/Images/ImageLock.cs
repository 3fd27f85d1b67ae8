using Sidecar.Staging.Core;

namespace Sidecar.Staging.Images;

/// <summary>
/// A place in the queue for one image and, once its turn has come, the right to change it; until disposed.
/// <see cref="Revoked"/> asks the holder to leave.
/// </summary>
internal sealed class ImageLock : IDisposable
{
    private readonly ImageLocks _locks;
    private readonly ImageId _id;
    private readonly CancellationTokenSource _revoked = new();
    private readonly TaskCompletionSource _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _disposed;

    internal ImageLock(ImageLocks locks, ImageId id)
    {
        _locks = locks;
        _id = id;
    }

    /// <summary>Cancelled when somebody else wants the image.</summary>
    public CancellationToken Revoked => _revoked.Token;

    /// <summary>Why, once revoked.</summary>
    public StagingError? RevokedFor { get; private set; }

    /// <summary>Completes when everybody before it has left.</summary>
    internal Task Turn => _turn.Task;

    /// <exception cref="StagingException">With the reason, once revoked.</exception>
    public void ThrowIfRevoked()
    {
        if (RevokedFor is { } reason) throw ImageLocks.TakenOver(_id, reason);
    }

    /// <summary>Does what may take long; it ends early when the caller goes, or somebody else wants the image.</summary>
    /// <exception cref="StagingException">With the reason, when it is the latter.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken callerGone)
    {
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(callerGone, Revoked);
        try
        {
            return await work(wanted.Token);
        }
        catch (OperationCanceledException) when (!callerGone.IsCancellationRequested)
        {
            ThrowIfRevoked();
            throw;
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _locks.Leave(_id, this);
    }

    internal void LetIn() => _turn.TrySetResult();

    // Called under the mutex of all locks. The callbacks run elsewhere: they end a call, which takes the same lock.
    internal void Revoke(StagingError reason)
    {
        if (RevokedFor is not null) return;
        RevokedFor = reason;
        _ = Task.Run(_revoked.Cancel);
    }
}
