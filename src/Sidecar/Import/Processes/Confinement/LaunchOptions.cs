using System.Globalization;

namespace Sidecar.Import.Processes.Confinement;

/// <summary>What the daemon tells <see cref="ConfinedLauncher"/>, as arguments.</summary>
/// <param name="Daemon">Process id of the daemon, without which the program is not to run.</param>
/// <param name="Generations">How far above this process the daemon is; 1: it is the parent.</param>
/// <param name="Landlock">Version of Landlock's interface to use; 0: none.</param>
/// <param name="Programs">What may be read and run, beside the system's own.</param>
/// <param name="Inputs">Files that may be read.</param>
/// <param name="Outputs">Files that may be read and written; they are there already.</param>
internal sealed record LaunchOptions(
    int Daemon, int Generations, int Landlock, bool Seccomp, IReadOnlyList<string> Programs, IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs)
{
    /// <summary>Where it may make Unix sockets, and take connections; empty: it gets no sockets at all.</summary>
    public string SocketDirectory { get; init; } = "";

    public IEnumerable<string> ToArguments()
    {
        yield return Number("--daemon", Daemon);
        yield return Number("--generations", Generations);
        yield return Number("--landlock", Landlock);
        yield return Number("--seccomp", Seccomp ? 1 : 0);
        foreach (var path in Programs) yield return "--program=" + path;
        foreach (var path in Inputs) yield return "--input=" + path;
        foreach (var path in Outputs) yield return "--output=" + path;
        if (SocketDirectory.Length > 0) yield return "--sockets=" + SocketDirectory;

        static string Number(string name, int value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");
    }

    public static LaunchOptions Parse(IReadOnlyList<string> arguments) => new(
        Number(arguments, "--daemon="), Number(arguments, "--generations="),
        Number(arguments, "--landlock="), Number(arguments, "--seccomp=") == 1,
        Values(arguments, "--program="), Values(arguments, "--input="), Values(arguments, "--output="))
    {
        SocketDirectory = Values(arguments, "--sockets=").FirstOrDefault(""),
    };

    private static string[] Values(IReadOnlyList<string> arguments, string prefix) =>
    [
        .. arguments.Where(argument => argument.StartsWith(prefix, StringComparison.Ordinal))
            .Select(argument => argument[prefix.Length..]),
    ];

    private static int Number(IReadOnlyList<string> arguments, string prefix) =>
        Values(arguments, prefix) is [var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : 0;
}
