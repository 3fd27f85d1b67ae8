namespace Sidecar.FuzzTests.Engine;

/// <summary>
/// Ends the process when one input takes for ever, which nothing else can: the thread that runs it does not come back. What
/// it was is written down before. The limit is far above what the slowest machine needs for the largest input.
/// </summary>
internal sealed class HangWatch : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly string _target;
    private readonly Timer _timer;
    private readonly Lock _lock = new();
    private ReadOnlyMemory<byte> _input;
    private long _began;

    public HangWatch(string target)
    {
        _target = target;
        _timer = new Timer(_ => Look(), null, LookEvery, LookEvery);
    }

    /// <summary>An input is about to run. Its bytes are not changed before its end.</summary>
    public void Begin(ReadOnlyMemory<byte> input)
    {
        lock (_lock) (_input, _began) = (input, Environment.TickCount64);
    }

    public void End()
    {
        lock (_lock) _began = 0;
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        lock (_lock)
        {
            var takes = TimeSpan.FromMilliseconds(Environment.TickCount64 - _began);
            if (_began == 0 || takes < Limit) return;
            Environment.FailFast($"{_target}: an input took longer than {Limit}: {Runner.Save(_input.Span)}");
        }
    }
}
