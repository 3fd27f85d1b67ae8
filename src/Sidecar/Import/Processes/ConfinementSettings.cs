using System.Globalization;
using Sidecar.Import.Core;
using Sidecar.Import.Processes.Confinement;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Processes;

/// <summary>How far children are to be confined, and by which program.</summary>
/// <param name="mode">One of <see cref="ImportOptions.Confinement"/>.</param>
/// <param name="paths">More that children may read and run.</param>
internal sealed class ConfinementSettings(string mode, IReadOnlyList<string> paths)
{
    public const string Off = "off";
    public const string Available = "available";
    public const string Required = "required";

    private const string LandlockIs = "landlock=";
    private const string RuntimePlace = "DOTNET_ROOT";

    /// <summary>The command that confines what follows; empty where nothing is to be confined.</summary>
    public IReadOnlyList<string> Launcher { get; } = mode == Off || OwnProgram.Path is not { } program ? [] : [program, ConfinedLauncher.Role];

    /// <summary>Why there is no launcher, where there is none.</summary>
    public string NoLauncher => mode == Off ? "Import:Confinement is off" : "the daemon's own program was not found";

    /// <exception cref="ImportException"><see cref="ImportError.ToolUnavailable"/>.</exception>
    public void Require(ConfinementLayers layers, Tool tool)
    {
        if (mode != Required || (layers.Landlock > 0 && layers.Seccomp)) return;
        throw new ImportException(
            ImportError.ToolUnavailable,
            $"{ToolPaths.NameOf(tool)} is not started, as it cannot be confined: this kernel or container has no Landlock or no "
            + "seccomp, and Import:Confinement is required. Run a kernel of 5.13 or newer, or set it to available.",
            ("tool", ToolPaths.NameOf(tool)));
    }

    /// <summary>The arguments before a command that confine it; none where no layer holds.</summary>
    public IEnumerable<string> Wrap(ConfinementLayers layers, ChildCommand command, IReadOnlyList<string> programs)
    {
        if (Launcher.Count == 0 || (layers.Landlock == 0 && !layers.Seccomp)) return [];
        var options = new LaunchOptions(
            Environment.ProcessId, layers.Namespaces.Generations, layers.Landlock, layers.Seccomp, [.. programs, .. paths],
            command.Input is { } input ? [input] : [], command.Output is { } output ? [output] : [])
        {
            SocketDirectory = command.Serves ? command.WorkingDirectory : "",
        };
        return [.. Launcher, .. options.ToArguments(), "--"];
    }

    /// <summary>The arguments before a command by which the launcher only makes sure that the daemon lives.</summary>
    public IEnumerable<string> Watch(Namespaces namespaces) => Launcher.Count == 0
        ? []
        : [.. Launcher, .. new LaunchOptions(Environment.ProcessId, namespaces.Generations, 0, false, [], [], []).ToArguments(), "--"];

    /// <summary>What the launcher said of its own probe.</summary>
    public static (int Landlock, bool Seccomp) ReadProbe(string said)
    {
        var words = said.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return words is [var landlock, var seccomp] && landlock.StartsWith(LandlockIs, StringComparison.Ordinal)
            && int.TryParse(landlock[LandlockIs.Length..], CultureInfo.InvariantCulture, out var version)
            ? (version, seccomp == "seccomp=1") : (0, false);
    }

    /// <summary>What the launcher's own runtime needs; it leaves that out of what its program gets.</summary>
    public void AddRuntime(IDictionary<string, string?> environment)
    {
        if (Launcher.Count == 0) return;
        // A diagnostics port would leave its socket behind, as the process becomes another one.
        environment["DOTNET_EnableDiagnostics"] = "0";
        if (Environment.GetEnvironmentVariable(RuntimePlace) is { Length: > 0 } place) environment[RuntimePlace] = place;
    }
}
