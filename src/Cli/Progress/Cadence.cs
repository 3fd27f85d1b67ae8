using Glance.Sidecar.V1;

namespace Stagectl.Progress;

/// <summary>Tells which progress is worth a line: each change of state, and what is reached from time to time.</summary>
internal sealed class Cadence(TimeSpan interval)
{
    private readonly Dictionary<string, StageProgress.Types.State> _states = [];
    private long _last = TimeProvider.System.GetTimestamp();

    public bool Due(StageProgress stage)
    {
        var changed = !_states.TryGetValue(stage.Name, out var before) || before != stage.State;
        _states[stage.Name] = stage.State;
        var due = changed
            ? stage.State != StageProgress.Types.State.Pending
            : stage.State == StageProgress.Types.State.Running
                && TimeProvider.System.GetElapsedTime(_last) >= interval;
        if (due) _last = TimeProvider.System.GetTimestamp();
        return due;
    }
}
