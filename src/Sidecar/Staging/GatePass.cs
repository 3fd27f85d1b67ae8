namespace Sidecar.Staging;

/// <summary>The right to change one image, until disposed. <see cref="Revoked"/> asks the holder to leave.</summary>
internal sealed class GatePass : IDisposable
{
    private readonly ImageGates _gates;
    private readonly ImageId _id;
    private readonly CancellationTokenSource _revoked = new();
    private int _disposed;

    internal GatePass(ImageGates gates, ImageId id, ImageGates.Gate gate)
    {
        _gates = gates;
        _id = id;
        Gate = gate;
    }

    /// <summary>Cancelled when somebody else wants the image.</summary>
    public CancellationToken Revoked => _revoked.Token;

    /// <summary>Why, once revoked.</summary>
    public StagingError? RevokedFor { get; private set; }

    internal ImageGates.Gate Gate { get; }

    /// <exception cref="StagingException">With the reason, once revoked.</exception>
    public void ThrowIfRevoked()
    {
        if (RevokedFor is { } reason) throw ImageGates.TakenOver(_id, reason);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _gates.Exit(_id, this);
    }

    // Called under the gates' lock. The callbacks run elsewhere: they end a call, which takes the same lock.
    internal void Revoke(StagingError reason)
    {
        if (RevokedFor is not null) return;
        RevokedFor = reason;
        _ = Task.Run(_revoked.Cancel);
    }
}
