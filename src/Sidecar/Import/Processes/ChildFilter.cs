using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;

namespace Sidecar.Import.Processes;

/// <summary>
/// A running program that gets a file on standard input, and whose standard output is read here, by one thread. It is
/// killed with all that it started when it takes too long, when its token is cancelled, and when this is disposed.
/// </summary>
internal sealed class ChildFilter : IDisposable
{
    private const int BlockBytes = 256 << 10;

    private readonly ChildProcess _process;
    private readonly ChildCommand _command;
    private readonly IDisposable _memory;
    private readonly Action<ChildEnd> _ended;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenRegistration _cancelling;
    private readonly CancellationTokenRegistration _timing;
    private readonly OutputTail _errors = new();
    private readonly Task _reading;
    private readonly Task _feeding;
    private ChildOutcome? _outcome;
    private long _fed;

    /// <param name="process">Runs already, with all its streams redirected.</param>
    /// <param name="memory">What it was promised, given back when this is disposed.</param>
    /// <param name="ended">Called once, when the program has ended.</param>
    public ChildFilter(
        ChildProcess process, ChildCommand command, SafeFileHandle input, IDisposable memory, Action<ChildEnd> ended,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        (_process, _command, _memory, _ended, _cancellationToken) = (process, command, memory, ended, cancellationToken);
        _reading = ChildRunner.PumpAsync(process.StandardError, _errors.Append, CancellationToken.None);
        _feeding = Task.Run(() => FeedAsync(input), CancellationToken.None);
        _deadline = new CancellationTokenSource(command.Limits.Timeout, time);
        _timing = _deadline.Token.Register(Kill);
        _cancelling = cancellationToken.Register(Kill);
    }

    /// <summary>Bytes of the file that the program was given so far.</summary>
    public long Fed => Volatile.Read(ref _fed);

    /// <summary>Answers 0 at the end of what the program writes; <see cref="Finish"/> tells whether that is all.</summary>
    public int Read(Span<byte> buffer) => _process.StandardOutput.BaseStream.Read(buffer);

    /// <summary>Waits for the program's end, which is near when it has closed its output.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    /// <exception cref="IOException">The file could not be read, so the program's words mean nothing.</exception>
    public ChildOutcome Finish()
    {
        _outcome ??= Wait();
        _cancellationToken.ThrowIfCancellationRequested();
        // It ends with the program: nobody reads from the pipe any more.
        _feeding.GetAwaiter().GetResult();
        return _outcome;
    }

    /// <summary>For the user, when it was not the file's fault alone.</summary>
    public ImportException Describe(ChildOutcome outcome) =>
        ToolFailures.Describe(_command.Tool, outcome, _command.Limits);

    public void Dispose()
    {
        if (_outcome == null)
        {
            Kill();
            _outcome = Wait();
        }

        // Whether it failed does not matter any more.
        Task.WhenAny(_feeding).Wait(CancellationToken.None);
        _timing.Dispose();
        _cancelling.Dispose();
        _deadline.Dispose();
        _process.Dispose();
        _memory.Dispose();
    }

    private ChildOutcome Wait()
    {
        _process.WaitForExit();
        _reading.Wait(ChildRunner.DrainTime);
        var timedOut = _deadline.IsCancellationRequested && !_cancellationToken.IsCancellationRequested;
        var errors = _errors.ToString();
        var end = ChildRunner.Classify(timedOut, _process.ExitCode, errors);
        _ended(end);
        return new ChildOutcome(end, _process.ExitCode, errors);
    }

    private async Task FeedAsync(SafeFileHandle input)
    {
        var block = new byte[BlockBytes];
        await using var stream = _process.StandardInput.BaseStream;
        while (await RandomAccess.ReadAsync(input, block.AsMemory(0, Wanted()), _fed) is var count and > 0)
        {
            try
            {
                await stream.WriteAsync(block.AsMemory(0, count));
            }
            catch (IOException)
            {
                return; // it wants no more: it has ended, or is about to, and says why
            }

            Volatile.Write(ref _fed, _fed + count);
        }

        int Wanted() => (int)Math.Min(BlockBytes, _command.InputBytes - _fed);
    }

    // In a timer, or in the thread that cancels: nobody there could take an exception.
    private void Kill() => _process.KillAll();
}
