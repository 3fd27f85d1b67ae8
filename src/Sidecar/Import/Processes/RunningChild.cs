using Sidecar.Import.Core;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Processes.Streams;

namespace Sidecar.Import.Processes;

/// <summary>
/// A program that runs while the daemon talks with it. It is killed with all that it started when it takes too long, when its
/// token is cancelled, and when this is disposed.
/// </summary>
internal abstract class RunningChild : IDisposable
{
    private readonly IDisposable _memory;
    private readonly Action<ChildEnd> _ended;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenRegistration _cancelling;
    private readonly CancellationTokenRegistration _timing;
    private readonly OutputTail _errors = new();
    private readonly Task _reading;
    private ChildOutcome? _outcome;

    /// <param name="process">Runs already, with all its streams redirected.</param>
    /// <param name="memory">What it was promised, given back when this is disposed.</param>
    /// <param name="ended">Called once, when the program has ended.</param>
    protected RunningChild(
        ChildProcess process, ChildCommand command, IDisposable memory, Action<ChildEnd> ended, TimeProvider time,
        CancellationToken cancellationToken)
    {
        (Process, Command, _memory, _ended, _cancellationToken) = (process, command, memory, ended, cancellationToken);
        Limits = command.Limits;
        _reading = ChildRunner.PumpAsync(process.StandardError, _errors.Append, CancellationToken.None);
        _deadline = new CancellationTokenSource(command.Limits.Timeout, time);
        _timing = _deadline.Token.Register(Kill);
        _cancelling = cancellationToken.Register(Kill);
    }

    protected ChildProcess Process { get; }

    protected ChildCommand Command { get; }

    /// <summary>Those that hold now.</summary>
    protected ChildLimits Limits { get; private set; }

    /// <summary>It took too long, or its token was cancelled: it is dead, or about to be.</summary>
    public bool IsStopped => _deadline.IsCancellationRequested || _cancellationToken.IsCancellationRequested;

    /// <summary>Waits for the program's end, which is near.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    public virtual ChildOutcome Finish()
    {
        _outcome ??= Wait();
        _cancellationToken.ThrowIfCancellationRequested();
        return _outcome;
    }

    /// <summary>For the user, when it was not the file's fault alone.</summary>
    public ImportException Describe(ChildOutcome outcome) => ToolFailures.Describe(Command.Tool, outcome, Limits);

    public void Dispose()
    {
        if (_outcome == null)
        {
            Kill();
            _outcome = Wait();
        }

        WaitForFeeding();
        _timing.Dispose();
        _cancelling.Dispose();
        _deadline.Dispose();
        Process.Dispose();
        _memory.Dispose();
    }

    /// <summary>From now on it may take so long.</summary>
    protected void AllowUntil(TimeSpan timeout)
    {
        Limits = Limits with { Timeout = timeout };
        _deadline.CancelAfter(timeout);
    }

    /// <summary>Waits for what still writes to the program, which has ended.</summary>
    protected virtual void WaitForFeeding()
    {
    }

    // In a timer, or in the thread that cancels: nobody there could take an exception.
    protected void Kill() => Process.KillAll();

    private ChildOutcome Wait()
    {
        Process.WaitForExit();
        _reading.Wait(ChildRunner.DrainTime);
        var timedOut = _deadline.IsCancellationRequested && !_cancellationToken.IsCancellationRequested;
        var errors = _errors.ToString();
        var end = ChildRunner.Classify(timedOut, Process.ExitCode, errors);
        _ended(end);
        return new ChildOutcome(end, Process.ExitCode, errors);
    }
}
