using System.Runtime.CompilerServices;
using Glance.Sidecar.V1;

namespace Sidecar.Draining;

/// <summary>How far a drain is, for any number of watchers; none of them keeps it going or stops it by leaving.</summary>
internal sealed class DrainProgress(TimeProvider clock)
{
    // Often enough for a progress bar, rarely enough for a network.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Drain _current = new() { State = Drain.Types.State.Waiting };
    private TaskCompletionSource _changed = NewSignal();

    public bool HasEnded
    {
        get
        {
            // Whoever was told DONE may ask for another drain at once.
            lock (_lock) return _ended.Task.IsCompleted || _current.State == Drain.Types.State.Done;
        }
    }

    public void Update(Action<Drain> change)
    {
        lock (_lock)
        {
            change(_current);
            _changed.TrySetResult();
        }
    }

    /// <summary>The last word. Without a failure the state is DONE.</summary>
    public void End(Exception? failure)
    {
        if (failure is null) _ended.TrySetResult();
        else _ended.TrySetException(failure);
        _ = _ended.Task.Exception; // seen: perhaps nobody watches
    }

    /// <summary>The drain as it is, at once, and then what changes, some five times a second; ends with DONE.</summary>
    /// <exception cref="Exception">What the drain ended with.</exception>
    public async IAsyncEnumerable<Drain> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var (now, changed) = Observe();
            yield return now;
            if (now.State == Drain.Types.State.Done) yield break;
            await Task.WhenAny(changed, _ended.Task).WaitAsync(cancellationToken);
            await Task.WhenAny(_ended.Task, Task.Delay(Interval, clock, cancellationToken));
            if (_ended.Task.IsFaulted) await _ended.Task;
        }
    }

    private (Drain Now, Task Changed) Observe()
    {
        lock (_lock)
        {
            if (_changed.Task.IsCompleted) _changed = NewSignal();
            return (_current.Clone(), _changed.Task);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
