namespace Sidecar.Import.Processes.Confinement;

/// <summary>
/// The namespaces that a child has of its own: no network in any, and, where that is permitted, no processes but its own.
/// As the first process of its namespace a program would ignore the signals that tell of its limits. So <c>flock</c> is the first
/// one: it starts the program, waits, and exits with 128 plus the signal that ended it, which <c>unshare --fork</c> hands on. Both
/// run outside Landlock, and read nothing. What it locks is about itself, so that nobody can keep it waiting: a program that was taken
/// over can lock whatever it can open. coreutils' <c>timeout</c> would do the same, but that of 9.10 starts nothing as a first process:
/// it takes the program for one whose parent has died.
/// </summary>
/// <param name="Command">What stands before a command that is to run in them.</param>
/// <param name="Generations">How far above that command the daemon is; 1: it is the parent.</param>
internal sealed record Namespaces(IReadOnlyList<string> Command, int Generations)
{
    public static readonly Namespaces None = new([], 1);

    private const string Users = "--user";

    // Another file for each process.
    private const string OwnLock = "/proc/self/status";

    // Of the program: flock, unshare, the daemon.
    private const int BelowFirstProcess = 3;

    // The user may be unprivileged: then only inside a user namespace of its own may it make the others.
    private static readonly string[][] Ways = [[], [Users, "--map-current-user"]];

    public bool OwnNetwork => Command.Count > 0;

    public bool OwnProcesses => Generations > 1;

    public bool OwnUsers => Command.Contains(Users);

    /// <summary>All that may be tried with the programs that are installed, the best first.</summary>
    public static IEnumerable<Namespaces> Choices(string? unshare, string? flock, string? setpriv)
    {
        if (unshare is null) return [];
        var ofNetwork = Ways.Select(way => new Namespaces([unshare, .. way, "--net"], 1));
        return flock is null || setpriv is null ? ofNetwork : [.. OfProcesses(unshare, flock, setpriv), .. ofNetwork];
    }

    // The death of the daemon ends unshare, that of unshare ends flock, and that the whole namespace.
    private static IEnumerable<Namespaces> OfProcesses(string unshare, string flock, string setpriv) =>
        Ways.Select(way => new Namespaces(
            [
                setpriv, "--pdeathsig", "KILL", "--no-new-privs",
                unshare, .. way, "--net", "--pid", "--fork", "--kill-child=KILL", flock, "--shared", "--close", OwnLock,
            ],
            BelowFirstProcess));
}
