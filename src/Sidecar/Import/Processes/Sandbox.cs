using System.ComponentModel;
using System.Diagnostics;
using Sidecar.Import.Core;
using Sidecar.Import.Processes.Confinement;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Processes;

/// <summary>
/// The arguments before a command that restrict it: <see cref="Namespaces"/> for no network and no sight of other processes
/// where the kernel permits it, <see cref="ConfinedLauncher"/> for no files but its own, <c>prlimit</c> for what it may take,
/// <c>setpriv</c> so that it dies with the daemon, even by <c>kill -9</c>, and gains no privileges. Each replaces itself by the next,
/// but for the two that a namespace of processes takes: <c>unshare</c>, which the daemon sees, and <c>timeout</c> below it.
/// </summary>
internal sealed class Sandbox(ToolPaths tools, LauncherThread launcher, ConfinementSettings settings) : IDisposable
{
    private static readonly Version CountsPerNamespace = new(5, 14);

    private const string NotKnown = "not found out yet";

    private readonly SemaphoreSlim _probing = new(1);
    private ConfinementLayers? _layers;

    /// <summary>Which layers hold; null as long as nobody has found out.</summary>
    public ConfinementLayers? KnownLayers => Volatile.Read(ref _layers);

    /// <summary>Every layer and whether it holds, the limits that each child has among them.</summary>
    public IEnumerable<ConfinementLayer> DescribeLayers()
    {
        var limits = tools.TryGet(Tool.Prlimit) is null ? $"{ToolPaths.NameOf(Tool.Prlimit)} is not installed" : "";
        var layers = KnownLayers?.ByName ?? new ConfinementLayers(Namespaces.None, 0, false)
        {
            LauncherSaid = NotKnown, NetworkSaid = NotKnown, ProcessesSaid = NotKnown,
        }.ByName;
        return layers.Append(new ConfinementLayer("limits", limits.Length == 0, limits));
    }

    /// <summary>A process that can be started.</summary>
    /// <exception cref="ImportException">ToolMissing; ToolUnavailable when it must be confined and cannot be.</exception>
    public async Task<ChildProcess> BuildAsync(ChildCommand command)
    {
        var program = tools.Get(command.Tool);
        var (prlimit, setpriv) = (tools.Get(Tool.Prlimit), tools.Get(Tool.Setpriv));
        var layers = await FindLayersAsync(CancellationToken.None);
        settings.Require(layers, command.Tool);
        string[] whole =
        [
            .. layers.Namespaces.Command,
            .. settings.Wrap(layers, command, [prlimit, setpriv, program]),
            prlimit, .. command.Limits.ToArguments(CountsThreads(layers)),
            setpriv, "--pdeathsig", "KILL", "--no-new-privs", program,
            .. command.Arguments,
        ];
        return new ChildProcess(layers.Namespaces.OwnProcesses)
        {
            StartInfo = Describe(whole, command.WorkingDirectory),
        };
    }

    /// <summary>
    /// Tries the layers, once: what is found holds as long as the daemon. A try that fails, say because there is no memory
    /// for a process now, is none, and the next caller tries again.
    /// </summary>
    /// <exception cref="ImportException"><see cref="ImportError.ToolUnavailable"/>: the try itself failed.</exception>
    public async Task<ConfinementLayers> FindLayersAsync(CancellationToken cancellationToken)
    {
        if (KnownLayers is { } known) return known;
        await _probing.WaitAsync(cancellationToken);
        try
        {
            if (KnownLayers is { } meanwhile) return meanwhile;
            var layers = await ProbeNamespacesAsync(await ProbeLauncherAsync());
            Volatile.Write(ref _layers, layers);
            return layers;
        }
        catch (Win32Exception failure)
        {
            throw new ImportException(
                ImportError.ToolUnavailable, "No program can be started: try again.", failure,
                ("tool", ToolPaths.NameOf(Tool.Unshare)))
            {
                Detail = failure.Message,
            };
        }
        finally
        {
            _probing.Release();
        }
    }

    public void Dispose() => _probing.Dispose();

    // The kernel counts what one user has of processes and threads; before 5.14 on the whole machine, from then on in each user
    // namespace. So only where a child has a namespace of its own the limit is its own: elsewhere other pods of this user would
    // use it up. The superuser of the machine has none in any case.
    private static bool CountsThreads(ConfinementLayers layers) =>
        layers.Namespaces.OwnUsers && Environment.OSVersion.Version >= CountsPerNamespace;

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

    private async Task<ConfinementLayers> ProbeLauncherAsync()
    {
        if (settings.Launcher.Count == 0) return new ConfinementLayers(Namespaces.None, 0, false) { LauncherSaid = settings.NoLauncher };
        var (exitCode, said, errors) = await RunAsync([.. settings.Launcher, "--probe"]);
        var (landlock, seccomp) = exitCode == 0 ? ConfinementSettings.ReadProbe(said) : (0, false);
        return new ConfinementLayers(Namespaces.None, landlock, seccomp)
        {
            LauncherSaid = errors.Length > 0 ? errors
                : exitCode == 0 ? "the kernel or the container refused it" : $"its probe ended with exit code {exitCode}",
        };
    }

    private async Task<ConfinementLayers> ProbeNamespacesAsync(ConfinementLayers layers)
    {
        layers = layers with { NetworkSaid = Missing(Tool.Unshare), ProcessesSaid = Missing(Tool.Unshare, Tool.Flock, Tool.Setpriv) };
        var choices = Namespaces.Choices(
            tools.TryGet(Tool.Unshare), tools.TryGet(Tool.Flock), tools.TryGet(Tool.Setpriv));
        foreach (var choice in choices)
        {
            var (exitCode, errors) = await TryAsync(choice);
            if (exitCode == 0) return layers with { Namespaces = choice };
            var said = errors.Length > 0 ? errors : $"its probe ended with exit code {exitCode}";
            layers = choice.OwnProcesses ? layers with { ProcessesSaid = said } : layers with { NetworkSaid = said };
        }

        return layers;
    }

    // The launcher asks /proc who its ancestors are, which a container may hide: then no program would run.
    private async Task<(int ExitCode, string Errors)> TryAsync(Namespaces choice)
    {
        var watch = choice.OwnProcesses ? settings.Watch(choice) : [];
        var (exitCode, _, errors) = await RunAsync([.. choice.Command, .. watch, tools.Get(Tool.Unshare), "--version"]);
        return (exitCode, errors);
    }

    private string Missing(params IEnumerable<Tool> needed) => needed
        .Where(tool => tools.TryGet(tool) is null).Select(tool => $"{ToolPaths.NameOf(tool)} is not installed").FirstOrDefault("");

    private async Task<(int ExitCode, string Said, string Errors)> RunAsync(string[] command)
    {
        using var process = new Process { StartInfo = Describe(command, "/") };
        await launcher.StartAsync(process);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        var complaint = Text.OneLine(await errors);
        await process.WaitForExitAsync(CancellationToken.None);
        return (process.ExitCode, said, complaint);
    }
}
