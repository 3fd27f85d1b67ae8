using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Processes.Streams;

namespace Sidecar.Import.Processes;

/// <summary>A running program that gets a file on standard input, and whose standard output is read here, by one thread.</summary>
internal sealed class ChildFilter : RunningChild
{
    private readonly Task _feeding;
    private long _fed;

    /// <param name="process">Runs already, with all its streams redirected.</param>
    /// <param name="memory">What it was promised, given back when this is disposed.</param>
    /// <param name="ended">Called once, when the program has ended.</param>
    public ChildFilter(
        ChildProcess process, ChildCommand command, SafeFileHandle input, IDisposable memory, Action<ChildEnd> ended,
        TimeProvider time,
        CancellationToken cancellationToken)
        : base(process, command, memory, ended, time, cancellationToken)
    {
        Pipes.Widen(process.StandardInput.BaseStream);
        Pipes.Widen(process.StandardOutput.BaseStream);
        // A thread of its own, as it mostly waits for the program.
        _feeding = Task.Factory.StartNew(
            () => Feed(input), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Bytes of the file that the program was given so far.</summary>
    public long Fed => Volatile.Read(ref _fed);

    /// <summary>Answers 0 at the end of what the program writes; <see cref="Finish"/> tells whether that is all.</summary>
    public int Read(Span<byte> buffer) => Process.StandardOutput.BaseStream.Read(buffer);

    /// <summary>Waits for the program's end, which is near when it has closed its output.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    /// <exception cref="IOException">The file could not be read, so the program's words mean nothing.</exception>
    public override ChildOutcome Finish()
    {
        var outcome = base.Finish();
        // It ends with the program: nobody reads from the pipe any more.
        _feeding.GetAwaiter().GetResult();
        return outcome;
    }

    // Whether it failed does not matter any more.
    protected override void WaitForFeeding() => Task.WhenAny(_feeding).Wait(CancellationToken.None);

    private void Feed(SafeFileHandle input)
    {
        using var pipe = Process.StandardInput.BaseStream;
        while (_fed < Command.InputBytes)
        {
            var moved = Pipes.Fill(pipe, input, _fed, Command.InputBytes - _fed);
            if (moved == 0) return; // the program wants no more: it has ended, or is about to, and says why
            Volatile.Write(ref _fed, _fed + moved);
        }
    }
}
