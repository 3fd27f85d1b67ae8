using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writing;

/// <summary>One write that runs, or a discard, which is one at a time with it. It does not end with those who watch it.</summary>
/// <param name="request">Null of a discard.</param>
internal sealed class StoreWrite(StoreRequest? request) : IDisposable
{
    private readonly CancellationTokenSource _cancelling = new();
    private readonly TaskCompletionSource<StoredImage> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _done;

    public StoreRequest? Request { get; } = request;

    public CancellationToken Cancelled => _cancelling.Token;

    /// <summary>Bytes that the store has taken; it begins anew with another attempt.</summary>
    public long Done
    {
        get => Volatile.Read(ref _done);
        set => Volatile.Write(ref _done, value);
    }

    /// <summary>Of the source; 0 until it is known.</summary>
    public long Total { get; set; }

    public Task<StoredImage> Completion => _completion.Task;

    public void Cancel() => _cancelling.Cancel();

    /// <summary>Lets those who watch it know. The task has ended.</summary>
    public void Complete(Task<StoredImage> ended) => _completion.SetFromTask(ended);

    public void Dispose() => _cancelling.Dispose();
}
