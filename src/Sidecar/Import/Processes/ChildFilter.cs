using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Processes;

/// <summary>A running program that gets a file on standard input, and whose standard output is read here, by one thread.</summary>
internal sealed class ChildFilter : RunningChild
{
    private const int BlockBytes = 256 << 10;

    private readonly Task _feeding;
    private long _fed;

    /// <param name="process">Runs already, with all its streams redirected.</param>
    /// <param name="memory">What it was promised, given back when this is disposed.</param>
    /// <param name="ended">Called once, when the program has ended.</param>
    public ChildFilter(
        ChildProcess process, ChildCommand command, SafeFileHandle input, IDisposable memory, Action<ChildEnd> ended,
        TimeProvider time,
        CancellationToken cancellationToken)
        : base(process, command, memory, ended, time, cancellationToken) =>
        _feeding = Task.Run(() => FeedAsync(input), CancellationToken.None);

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

    private async Task FeedAsync(SafeFileHandle input)
    {
        var block = new byte[BlockBytes];
        await using var stream = Process.StandardInput.BaseStream;
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

        int Wanted() => (int)Math.Min(BlockBytes, Command.InputBytes - _fed);
    }
}
