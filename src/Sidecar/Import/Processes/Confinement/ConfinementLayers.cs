namespace Sidecar.Import.Processes.Confinement;

/// <summary>Which layers of confinement hold for child processes on this machine; the others are forbidden or missing.</summary>
/// <param name="Landlock">Version of the kernel's interface; 0: none. Files: each child opens its own only.</param>
/// <param name="Seccomp">Other processes, sockets and attributes of files.</param>
internal sealed record ConfinementLayers(Namespaces Namespaces, int Landlock, bool Seccomp)
{
    /// <summary>Why Landlock and seccomp are missing, where they are.</summary>
    public string LauncherSaid { get; init; } = "";

    /// <summary>Why the network namespace is missing, where it is.</summary>
    public string NetworkSaid { get; init; } = "";

    /// <summary>Why the namespace of processes is missing, where it is.</summary>
    public string ProcessesSaid { get; init; } = "";

    /// <summary>By the names that metrics and the log use.</summary>
    public IEnumerable<ConfinementLayer> ByName =>
    [
        Layer("landlock", Landlock > 0, LauncherSaid),
        Layer("seccomp", Seccomp, LauncherSaid),
        Layer("network_namespace", Namespaces.OwnNetwork, NetworkSaid),
        Layer("pid_namespace", Namespaces.OwnProcesses, ProcessesSaid),
    ];

    private static ConfinementLayer Layer(string mechanism, bool holds, string missing) =>
        new(mechanism, holds, holds ? "" : missing);
}
