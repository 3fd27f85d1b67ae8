namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Holds a transfer, by its own progress callback, at the first chunk that reaches an offset.</summary>
internal sealed class TransferGate(long offset, CancellationToken cancellationToken)
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new();

    /// <summary>What was told first: where the transfer began.</summary>
    public long? First { get; private set; }

    public long Last { get; private set; }

    public bool WentBack { get; private set; }

    public Task Reached => _reached.Task.WaitAsync(cancellationToken);

    public void Open() => _open.TrySetResult();

    public void Progress(long done, long total)
    {
        // Told once by whoever listens, before the transfer itself tells it.
        if (done > 0) First ??= done;
        WentBack |= done < Last;
        Last = done;
        if (done < offset || done == total || !_reached.TrySetResult()) return;
        _open.Task.Wait(cancellationToken);
    }
}
