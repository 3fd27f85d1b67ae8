using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Processes.Confinement;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Processes.Streams;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Processes;

/// <summary>
/// Runs programs over bytes that nobody trusts: bounded by <see cref="Sandbox"/>, standard input closed, an
/// environment of their own. A child that is cancelled or takes too long is killed with all that it started, and is
/// dead when the call returns.
/// </summary>
internal sealed class ChildRunner(
    Sandbox sandbox, LauncherThread launcher, ChildMemory memory, ChildMetrics metrics, TimeProvider time)
{
    public const int SignalBase = 128;
    private const int SigXcpu = 24;
    private const int SigXfsz = 25;
    private const int BufferChars = 4096;

    // Of shells, of setpriv, and of the dynamic loader that misses a library.
    private const int NotFound = 127;

    // All that unshare says, and exits with 1, when the first process of its namespace was killed; of util-linux before 2.39,
    // which cannot kill itself by the same signal, as later ones do.
    private const string FirstProcessKilled = "unshare: sigprocmask unblock failed: Invalid argument";

    private static readonly string[] Launchers =
        [.. from tool in (Tool[])[Tool.Unshare, Tool.Flock, Tool.Prlimit, Tool.Setpriv] select ToolPaths.NameOf(tool) + ": "];

    // A grandchild that escaped the kill may hold the pipes open; its words are not worth waiting for.
    public static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(5);

    /// <exception cref="ImportException">ToolMissing, ToolUnavailable.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the child is dead.</exception>
    public async Task<ChildOutcome> RunAsync(ChildCommand command, CancellationToken cancellationToken)
    {
        using var promise = await memory.TakeAsync(command.Limits.PromisedBytes, cancellationToken);
        using var process = await sandbox.BuildAsync(command);
        process.StartInfo.StandardOutputEncoding = Encoding.Latin1;
        process.StartInfo.StandardErrorEncoding = Encoding.Latin1;
        await LaunchAsync(process, command.Tool);
        var started = time.GetTimestamp();
        process.StandardInput.Close();
        var errors = new OutputTail();
        using var drained = new CancellationTokenSource();
        var output = PumpAsync(process.StandardOutput, command.OnOutput, drained.Token);
        var error = PumpAsync(process.StandardError, errors.Append, drained.Token);
        var timedOut = await WaitAsync(process, command.Limits.Timeout, cancellationToken);
        drained.CancelAfter(DrainTime);
        await Task.WhenAll(output, error);
        var end = Classify(timedOut, process.ExitCode, errors.ToString());
        metrics.ChildEnded(command.Tool, end, time.GetElapsedTime(started));
        cancellationToken.ThrowIfCancellationRequested();
        return new ChildOutcome(end, process.ExitCode, errors.ToString());
    }

    /// <summary>Starts a program that gets a file on standard input; its output is read from what is answered.</summary>
    /// <exception cref="ImportException">ToolMissing, ToolUnavailable.</exception>
    public Task<ChildFilter> StartFilterAsync(ChildCommand command, SafeFileHandle input, CancellationToken cancellationToken) =>
        StartAsync(
            command,
            (process, promise, ended) => new ChildFilter(process, command, input, promise, ended, time, cancellationToken),
            cancellationToken);

    /// <summary>Starts a program that serves on a socket in its working directory, which is its own.</summary>
    /// <exception cref="ImportException">ToolMissing, ToolUnavailable.</exception>
    public Task<ChildServer> StartServerAsync(ChildCommand command, CancellationToken cancellationToken) =>
        StartAsync(
            command,
            (process, promise, ended) => new ChildServer(process, command, promise, ended, time, cancellationToken),
            cancellationToken);

    private async Task<T> StartAsync<T>(
        ChildCommand command, Func<ChildProcess, IDisposable, Action<ChildEnd>, T> take, CancellationToken cancellationToken)
    {
        var promise = await memory.TakeAsync(command.Limits.PromisedBytes, cancellationToken);
        ChildProcess? process = null;
        try
        {
            process = await sandbox.BuildAsync(command);
            process.StartInfo.StandardOutputEncoding = Encoding.Latin1;
            process.StartInfo.StandardErrorEncoding = Encoding.Latin1;
            await LaunchAsync(process, command.Tool);
        }
        catch
        {
            process?.Dispose();
            promise.Dispose();
            throw;
        }

        var started = time.GetTimestamp();
        return take(process, promise, end => metrics.ChildEnded(command.Tool, end, time.GetElapsedTime(started)));
    }

    private async Task LaunchAsync(Process process, Tool tool)
    {
        try
        {
            await launcher.StartAsync(process);
        }
        catch (Win32Exception failure)
        {
            // For want of memory or processes, mostly: a program that is missing is told before.
            var name = ToolPaths.NameOf(tool);
            throw new ImportException(
                ImportError.ToolUnavailable,
                $"The program {name} cannot be started. Start a new import later.", failure, ("tool", name))
            {
                Detail = failure.Message, // it names the directory of the import
            };
        }
    }

    /// <summary>Waits for the end; kills the child when it takes too long or the caller has had enough.</summary>
    /// <returns>Whether it took too long.</returns>
    private async Task<bool> WaitAsync(ChildProcess process, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await process.WaitForExitAsync(either.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            process.KillAll();
            // SIGKILL cannot be refused, though a process in a disk wait takes its time to go.
            await process.WaitForExitAsync(CancellationToken.None);
            return deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested;
        }
    }

    /// <summary>Hands over what a program says until its stream ends.</summary>
    public static async Task PumpAsync(
        StreamReader reader, Action<ReadOnlySpan<char>> consume, CancellationToken drained)
    {
        var buffer = new char[BufferChars];
        try
        {
            while (await reader.ReadAsync(buffer, drained) is var count and > 0) consume(buffer.AsSpan(0, count));
        }
        catch (OperationCanceledException)
        {
            // See DrainTime.
        }
    }

    /// <param name="errorText">
    /// What stands before the program shares its exit codes with some of them, but not its name in what it says.
    /// </param>
    public static ChildEnd Classify(bool timedOut, int exitCode, string errorText) => exitCode switch
    {
        _ when timedOut => ChildEnd.TimedOut,
        0 => ChildEnd.Succeeded,
        SignalBase + SigXcpu => ChildEnd.CpuLimit,
        SignalBase + SigXfsz => ChildEnd.FileSizeLimit,
        > SignalBase => ChildEnd.Killed,
        _ when errorText.EndsWith(FirstProcessKilled, StringComparison.Ordinal) => ChildEnd.Killed,
        ConfinedLauncher.CannotStart or NotFound => ChildEnd.NotRun,
        _ when Launchers.Any(name => errorText.StartsWith(name, StringComparison.Ordinal)) => ChildEnd.NotRun,
        _ => ChildEnd.Failed,
    };
}
