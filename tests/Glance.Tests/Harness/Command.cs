using System.Collections.Concurrent;
using System.Diagnostics;
using NUnit.Framework;

namespace Glance.Tests.Harness;

/// <summary>A program of the set-up that runs until it is stopped, with all that it writes.</summary>
internal sealed class Command : IAsyncDisposable
{
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly string _name;
    private readonly ConcurrentQueue<string> _log = new();
    private TaskCompletionSource _nextLine = NewSignal();

    private Command(ProcessStartInfo start)
    {
        _name = Path.GetFileName(start.FileName);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        // A run that is interrupted must leave no database server behind.
        AppDomain.CurrentDomain.ProcessExit += KillAtExit;
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Of a program that was started to read it.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>A copy of what it wrote so far, both streams. Not the queue itself: who copies that counts it first, and it grows.</summary>
    public IReadOnlyList<string> Log => _log.ToArray();

    public static Command Start(string[] command, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(command[0], command[1..]);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new Command(start);
    }

    /// <summary>A program that reads what the test writes to <see cref="Input"/>.</summary>
    public static Command StartReading(string[] command, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new Command(start);
    }

    /// <summary>Runs a program to its end; anything but success fails the test with its output.</summary>
    public static async Task<string> RunAsync(string[] command, params (string Name, string Value)[] environment)
    {
        var (exitCode, output) = await TryAsync(command, environment);
        Assert.That(exitCode, Is.Zero, $"{string.Join(' ', command)}\n{output}");
        return output;
    }

    /// <returns>Exit code, and both streams.</returns>
    public static async Task<(int ExitCode, string Output)> TryAsync(
        string[] command, params (string Name, string Value)[] environment)
    {
        await using var program = Start(command, environment);
        return await program.EndAsync(CancellationToken.None);
    }

    /// <returns>Exit code, and both streams.</returns>
    public async Task<(int ExitCode, string Output)> EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return (_process.ExitCode, string.Join('\n', _log));
    }

    /// <summary>Waits until a line satisfies; one that was written from <paramref name="from"/> lines on.</summary>
    public async Task<string> LoggedAsync(Func<string, bool> condition, TimeSpan patience, int from = 0)
    {
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            while (true)
            {
                var next = Volatile.Read(ref _nextLine).Task;
                if (_log.Skip(from).FirstOrDefault(condition) is { } line) return line;
                if (_process.HasExited) throw Failure("ended");
                await Task.WhenAny(next, _process.WaitForExitAsync(deadline.Token)).WaitAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw Failure($"did not get there in {patience}");
        }
    }

    public void Signal(string signal) => Signal(signal, Id);

    public static void Signal(string signal, int processId) => Signals.Send(signal, processId);

    /// <summary>It and its children, and theirs.</summary>
    public IReadOnlyList<int> Tree() => [Id, .. ProcessTree.Descendants(Id)];

    /// <summary>SIGKILL, to its children too.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        if (!_process.HasExited)
        {
            Signal("TERM");
            using var deadline = new CancellationTokenSource(StopDeadline);
            try
            {
                await _process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                await KillAsync();
            }
        }

        _process.Dispose();
    }

    private void KillAtExit(object? sender, EventArgs exit)
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
    }

    private void Read(string? line)
    {
        if (line is null) return;
        _log.Enqueue(line);
        Interlocked.Exchange(ref _nextLine, NewSignal()).SetResult();
    }

    private AssertionException Failure(string what) => new($"{_name} {what}:\n{string.Join('\n', _log.TakeLast(60))}");

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
