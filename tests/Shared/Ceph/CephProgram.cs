using System.Diagnostics;
using System.Text;

namespace Testing;

/// <summary>A program of Ceph, with all that it writes; killed at the end of the run if nobody stops it before.</summary>
internal sealed class CephProgram : IAsyncDisposable
{
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly StringBuilder _log = new();

    private CephProgram(string[] command)
    {
        // From the root, as an init starts it: Debian 13's looks for a part of itself, osd_class_dir, from where it is started.
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        AppDomain.CurrentDomain.ProcessExit += KillAtExit;
    }

    public int Id => _process.Id;

    public static CephProgram Start(params string[] command) => new(command);

    /// <summary>Runs one to its end and answers what it wrote to both streams.</summary>
    /// <exception cref="InvalidOperationException">It failed; says how.</exception>
    public static async Task<string> RunAsync(params string[] command)
    {
        await using var program = new CephProgram(command);
        await program._process.WaitForExitAsync();
        var said = program.Said();
        return program._process.ExitCode == 0
            ? said : throw new InvalidOperationException($"{string.Join(' ', command)}: exit code {program._process.ExitCode}\n{said}");
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        if (!_process.HasExited)
        {
            Signals.Send("CONT", Id);
            Signals.Send("TERM", Id);
            using var deadline = new CancellationTokenSource(StopDeadline);
            await _process.WaitForExitAsync(deadline.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private string Said()
    {
        lock (_log) return _log.ToString().TrimEnd();
    }

    private void Keep(string? line)
    {
        lock (_log)
        {
            if (line is not null) _log.AppendLine(line);
        }
    }

    private void KillAtExit(object? sender, EventArgs exit)
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
    }
}
