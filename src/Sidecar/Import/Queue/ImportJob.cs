using System.Diagnostics;
using Sidecar.Import.Core;

namespace Sidecar.Import.Queue;

/// <summary>
/// One import while the daemon knows it: its state, which others look at as snapshots, and the way to stop it. The
/// queue moves it from state to state; its stages report through it.
/// </summary>
internal sealed class ImportJob : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly StageEntry[] _stages;
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _recorded = NewSignal();
    private ImportSnapshot _current;
    private TaskCompletionSource _stateChanged = NewSignal();
    private TaskCompletionSource _changed = NewSignal();

    /// <param name="kills">How often the daemon was killed while it ran before.</param>
    public ImportJob(ImportRequest request, IReadOnlyList<string> stages, TimeProvider time, int kills = 0)
    {
        _time = time;
        Stages = stages;
        _stages = [.. stages.Select(name => new StageEntry(name))];
        _current = new ImportSnapshot(
            request, ImportState.Queued, [], null, null, time.GetUtcNow(), null, null) { Kills = kills };
        Cancelled = _cancel.Token;
    }

    /// <summary>One that ended in an earlier life of the daemon.</summary>
    public ImportJob(ImportSnapshot finished, TimeProvider time)
    {
        _time = time;
        _stages = [];
        _current = finished;
        Cancelled = _cancel.Token;
        _recorded.SetResult();
        _ended.SetResult();
    }

    public ImportRequest Request => _current.Request;

    /// <summary>Names of the stages that it runs, in order; none of one that has ended already.</summary>
    public IReadOnlyList<string> Stages { get; } = [];

    /// <summary>The call that started it, to which its spans belong though it outlives the call.</summary>
    public ActivityContext Caller { get; } = Activity.Current?.Context ?? default;

    /// <summary>Fires when the import is to stop; <see cref="IsStopping"/> tells why.</summary>
    public CancellationToken Cancelled { get; }

    /// <summary>It stops because the daemon does, and may be run again.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Somebody wants it to stop. Written and read under the queue's lock.</summary>
    public bool IsStopRequested { get; private set; }

    /// <summary>Completes when the import is on the disk; faults when it could not be written, and never was.</summary>
    public Task Recorded => _recorded.Task;

    /// <summary>Completes when the import has ended and holds nothing any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The task that runs it, while it has a slot.</summary>
    public Task Running { get; set; } = Task.CompletedTask;

    public ImportSnapshot Snapshot()
    {
        lock (_lock) return Take();
    }

    /// <summary>
    /// The import now, and two signals: <c>StateChanged</c> for the next step of a state, which is worth telling at
    /// once, and <c>Changed</c> for that and progress.
    /// </summary>
    public (ImportSnapshot Snapshot, Task StateChanged, Task Changed) Observe()
    {
        lock (_lock)
        {
            if (_stateChanged.Task.IsCompleted) _stateChanged = NewSignal();
            if (_changed.Task.IsCompleted) _changed = NewSignal();
            return (Take(), _stateChanged.Task, _changed.Task);
        }
    }

    public void Start()
    {
        lock (_lock)
        {
            _current = _current with { State = ImportState.Running, StartedAt = _time.GetUtcNow() };
            SignalState();
        }
    }

    public void BeginStage(string name)
    {
        lock (_lock)
        {
            Entry(name).Begin(_time.GetTimestamp());
            SignalState();
        }
    }

    public void SetTotal(string name, long bytes)
    {
        lock (_lock)
        {
            Entry(name).Total = bytes;
            _changed.TrySetResult();
        }
    }

    public void SetProgress(string name, long bytes)
    {
        lock (_lock)
        {
            Entry(name).Advance(bytes);
            _changed.TrySetResult();
        }
    }

    /// <summary>Answers how long the stage has run in all.</summary>
    public TimeSpan EndStage(string name, StageState state)
    {
        lock (_lock)
        {
            var entry = Entry(name);
            entry.End(state, _time);
            SignalState();
            return entry.Elapsed(_time);
        }
    }

    /// <summary>What the import will be once it has ended: for the journal, which is written first.</summary>
    public ImportSnapshot Conclude(ImportState state, ImportResult? result, ImportFailure? failure) =>
        Snapshot() with { State = state, Result = result, Failure = failure, FinishedAt = _time.GetUtcNow() };

    /// <summary>Shows the conclusion to everybody.</summary>
    public void Finish(ImportSnapshot conclusion)
    {
        lock (_lock)
        {
            _current = conclusion;
            // First: who sees that it has finished may release it at once, and must not hear that it has not ended.
            _ended.TrySetResult();
            SignalState();
        }
    }

    public void SetRecorded() => _recorded.TrySetResult();

    public void SetNotRecorded(ImportException failure)
    {
        _recorded.TrySetException(failure);
        _ = _recorded.Task.Exception; // seen, even if nobody attached
    }

    /// <summary>Notes that it is to stop; <see cref="Cancel"/> follows, outside of the queue's lock.</summary>
    public void RequestStop(bool stopping) => (IsStopRequested, IsStopping) = (true, stopping);

    /// <summary>Stops what runs. Kills processes, and so is not for a caller that holds a lock.</summary>
    public void Cancel()
    {
        try
        {
            _cancel.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended, and was released, meanwhile.
        }
    }

    public void Dispose() => _cancel.Dispose();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ImportSnapshot Take() => _current.IsFinished
        ? _current
        : _current with { Stages = [.. _stages.Select(stage => stage.ToProgress(_time))] };

    private StageEntry Entry(string name) => _stages.First(stage => stage.Name == name);

    private void SignalState()
    {
        _stateChanged.TrySetResult();
        _changed.TrySetResult();
    }

    /// <summary>A stage as it runs; a stage may run several times, and is then as long as all of them.</summary>
    private sealed class StageEntry(string name)
    {
        private StageState _state = StageState.Pending;
        private TimeSpan _before;
        private long? _begun;
        private long _done;

        public string Name { get; } = name;

        public long Total { get; set; }

        public void Begin(long timestamp) => (_state, _begun) = (StageState.Running, timestamp);

        // Never back, and never over the end, as people look at it.
        public void Advance(long bytes) => _done = Math.Max(_done, Total > 0 ? Math.Min(bytes, Total) : bytes);

        public void End(StageState state, TimeProvider time)
        {
            _before = Elapsed(time);
            (_state, _begun) = (state, null);
            if (state == StageState.Succeeded && Total > 0) _done = Total;
        }

        public TimeSpan Elapsed(TimeProvider time) =>
            _before + (_begun is { } begun ? time.GetElapsedTime(begun) : TimeSpan.Zero);

        public StageProgress ToProgress(TimeProvider time) => new(Name, _state, _done, Total, Elapsed(time));
    }
}
