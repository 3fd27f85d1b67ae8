using System.Diagnostics;
using System.Globalization;

namespace Sidecar.Import.Processes;

/// <summary>
/// The words before a command that bind it: <c>prlimit</c> for what it may take, <c>unshare</c> for no network where
/// the kernel lets us, <c>setpriv</c> so that it dies with the daemon, even by <c>kill -9</c>, and gains no
/// privileges. Each replaces itself by the next, so the child's process id is the program's.
/// </summary>
internal sealed class Sandbox(ToolPaths tools, LauncherThread launcher)
{
    // Between the CPU limit's signal, which tells what happened, and the kill that cannot be caught.
    private const int CpuGraceSeconds = 5;

    // The user may be unprivileged: then only inside a user namespace of its own may it leave the network.
    private static readonly string[][] NetworkChoices = [["--net"], ["--user", "--map-current-user", "--net"]];

    private readonly Lazy<Task<string[]>> _unshare = new(() => ProbeAsync(tools, launcher));

    /// <summary>Everything but the redirections that a process of ours is started with.</summary>
    /// <exception cref="ImportException"><see cref="ImportError.ToolMissing"/>.</exception>
    public async Task<ProcessStartInfo> BuildAsync(ChildCommand command)
    {
        var program = tools.Get(command.Tool);
        var limits = command.Limits;
        List<string> words =
        [
            Limit("as", limits.MemoryBytes, limits.MemoryBytes),
            Limit("cpu", limits.CpuSeconds, limits.CpuSeconds + CpuGraceSeconds),
            Limit("fsize", limits.FileBytes, limits.FileBytes),
            Limit("nofile", ChildLimits.OpenFiles, ChildLimits.OpenFiles),
            Limit("core", 0, 0),
            .. await _unshare.Value,
            tools.Get(Tool.Setpriv), "--pdeathsig", "KILL", "--no-new-privs", program,
            .. command.Arguments,
        ];
        return Describe(tools.Get(Tool.Prlimit), words, command.WorkingDirectory);
    }

    private static string Limit(string resource, long soft, long hard) =>
        string.Create(CultureInfo.InvariantCulture, $"--{resource}={soft}:{hard}");

    private static ProcessStartInfo Describe(string program, IEnumerable<string> words, string directory)
    {
        var start = new ProcessStartInfo(program, words)
        {
            UseShellExecute = false,
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = ToolPaths.DefaultPath;
        start.Environment["LANG"] = "C";
        // Without it each of qemu-img's threads may map an arena of its own, and meet the memory limit for nothing.
        start.Environment["MALLOC_ARENA_MAX"] = "3";
        return start;
    }

    /// <summary>The words that take the network from what follows; none where that is not permitted.</summary>
    private static async Task<string[]> ProbeAsync(ToolPaths tools, LauncherThread launcher)
    {
        if (tools.TryGet(Tool.Unshare) is not { } unshare) return [];
        foreach (var choice in NetworkChoices)
        {
            using var process = new Process { StartInfo = Describe(unshare, [.. choice, "true"], "/") };
            await launcher.StartAsync(process);
            await process.WaitForExitAsync(CancellationToken.None);
            if (process.ExitCode == 0) return [unshare, .. choice];
        }

        return [];
    }
}
