using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Sidecar.Import.Core;
using Sidecar.Import.Processes.Confinement;

namespace Sidecar.Import.Processes;

/// <summary>
/// The arguments before a command that restrict it: <c>unshare</c> for no network where the kernel permits it,
/// <see cref="ConfinedLauncher"/> for no files but its own and no other processes, <c>prlimit</c> for what it may take,
/// <c>setpriv</c> so that it dies with the daemon, even by <c>kill -9</c>, and gains no privileges. Each replaces itself
/// by the next, so the child's process id is the program's.
/// </summary>
internal sealed class Sandbox(ToolPaths tools, LauncherThread launcher, ConfinementSettings settings) : IDisposable
{
    // Between the CPU limit's signal, which tells what happened, and the kill that cannot be caught.
    private const int CpuGraceSeconds = 5;

    // The user may be unprivileged: then only inside a user namespace of its own may it leave the network.
    private static readonly string[][] NetworkChoices = [["--net"], ["--user", "--map-current-user", "--net"]];

    private readonly SemaphoreSlim _probing = new(1);
    private ConfinementLayers? _layers;

    /// <summary>Which layers hold; null as long as nobody has found out.</summary>
    public ConfinementLayers? KnownLayers => Volatile.Read(ref _layers);

    /// <summary>Everything but the redirections that a process of ours is started with.</summary>
    /// <exception cref="ImportException">ToolMissing; ToolFailed when it must be confined and cannot be.</exception>
    public async Task<ProcessStartInfo> BuildAsync(ChildCommand command)
    {
        var program = tools.Get(command.Tool);
        var (prlimit, setpriv) = (tools.Get(Tool.Prlimit), tools.Get(Tool.Setpriv));
        var layers = await FindLayersAsync(CancellationToken.None);
        settings.Require(layers, command.Tool);
        string[] whole =
        [
            .. layers.Unshare,
            .. settings.Wrap(layers, command, [prlimit, setpriv, program]),
            prlimit, .. Limits(command.Limits),
            setpriv, "--pdeathsig", "KILL", "--no-new-privs", program,
            .. command.Arguments,
        ];
        return Describe(whole, command.WorkingDirectory);
    }

    /// <summary>
    /// Tries the layers, once: what is found holds as long as the daemon. A try that fails, say because there is no memory
    /// for a process now, is none, and the next caller tries again.
    /// </summary>
    /// <exception cref="ImportException"><see cref="ImportError.ToolFailed"/>: the try itself failed.</exception>
    public async Task<ConfinementLayers> FindLayersAsync(CancellationToken cancellationToken)
    {
        if (KnownLayers is { } known) return known;
        await _probing.WaitAsync(cancellationToken);
        try
        {
            if (KnownLayers is { } meanwhile) return meanwhile;
            var (landlock, seccomp) = await ProbeLauncherAsync();
            var layers = new ConfinementLayers(await ProbeNetworkAsync(), landlock, seccomp);
            Volatile.Write(ref _layers, layers);
            return layers;
        }
        catch (Win32Exception failure)
        {
            throw new ImportException(
                ImportError.ToolFailed, $"No program can be started ({failure.Message}): try again.", failure,
                ("tool", ToolPaths.NameOf(Tool.Unshare)));
        }
        finally
        {
            _probing.Release();
        }
    }

    public void Dispose() => _probing.Dispose();

    private static string[] Limits(ChildLimits limits)
    {
        return
        [
            Limit("as", limits.MemoryBytes, limits.MemoryBytes),
            Limit("cpu", limits.CpuSeconds, limits.CpuSeconds + CpuGraceSeconds),
            Limit("fsize", limits.FileBytes, limits.FileBytes),
            Limit("nofile", ChildLimits.OpenFiles, ChildLimits.OpenFiles),
            Limit("core", 0, 0),
        ];

        static string Limit(string resource, long soft, long hard) =>
            string.Create(CultureInfo.InvariantCulture, $"--{resource}={soft}:{hard}");
    }

    private ProcessStartInfo Describe(string[] command, string directory)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
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
        settings.AddRuntime(start.Environment);
        return start;
    }

    private async Task<(int Landlock, bool Seccomp)> ProbeLauncherAsync()
    {
        if (settings.Launcher.Count == 0) return (0, false);
        var (exitCode, said) = await RunAsync([.. settings.Launcher, "--probe"]);
        return exitCode == 0 ? ConfinementSettings.ReadProbe(said) : (0, false);
    }

    private async Task<string[]> ProbeNetworkAsync()
    {
        if (tools.TryGet(Tool.Unshare) is not { } unshare) return [];
        foreach (var choice in NetworkChoices)
        {
            if ((await RunAsync([unshare, .. choice, "true"])).ExitCode == 0) return [unshare, .. choice];
        }

        return [];
    }

    private async Task<(int ExitCode, string Said)> RunAsync(string[] command)
    {
        using var process = new Process { StartInfo = Describe(command, "/") };
        await launcher.StartAsync(process);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await errors;
        await process.WaitForExitAsync(CancellationToken.None);
        return (process.ExitCode, said);
    }
}
