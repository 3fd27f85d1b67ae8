using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Sidecar.Import.Processes.Confinement;

/// <summary>
/// The daemon's own program in another role, <c>glance-staging-sidecar confine ... -- program arguments</c>: it gives up
/// rights and becomes the program, so that the program's process id and the signals to it are those of the child. .NET
/// cannot do so between fork and exec, and on a thread of the daemon it could not be undone.
/// </summary>
internal static class ConfinedLauncher
{
    public const string Role = "confine";

    /// <summary>The shell's code for a program that could not be started.</summary>
    public const int CannotStart = 126;

    private const string Separator = "--";

    // Where programs and their libraries are, and the devices that every program counts on.
    private static readonly string[] Programs = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.preload"];
    private static readonly string[] Sources = ["/dev/zero", "/dev/random", "/dev/urandom"];
    private const string Sink = "/dev/null";

    /// <summary>Does not return when all goes well.</summary>
    /// <returns>The exit code, when it does.</returns>
    public static int Run(string[] arguments)
    {
        if (arguments is ["--probe"]) return Probe();
        var end = Array.IndexOf(arguments, Separator);
        if (end < 0 || end + 1 >= arguments.Length) return Fail("there is no program behind --");
        var options = LaunchOptions.Parse(arguments[..end]);
        if (!LinuxCalls.DieWithParent() || !HasDaemon(options)) return Fail("the sidecar has ended");
        return Become(options, arguments[(end + 1)..]);
    }

    // Whoever dies before its child has asked the kernel to die with it is not noticed by the child: the daemon before setpriv has
    // done so, unshare before its fork has. By now each on the way up has asked. So when they are who they should be, the
    // death of any ends this process from here on; and when one was gone before it was asked about, its child has another parent.
    private static bool HasDaemon(LaunchOptions options) => options.Daemon == (options.Generations > 1
        ? ProcessFamily.AncestorOfSelf(options.Generations) : LinuxCalls.ParentId());

    /// <summary>Tries every layer on this very process, and tells which of them hold.</summary>
    private static int Probe()
    {
        var version = Landlock.Version();
        if (version == 0) Complain($"no Landlock: {LinuxCalls.Error()}; it takes Linux 5.13 and a runtime that permits it.");
        var held = LinuxCalls.GiveUpNewPrivileges();
        var filtered = held && SyscallFilter.Apply(Environment.ProcessId, serves: false);
        if (!filtered) Complain($"no seccomp: {LinuxCalls.Error()}.");
        var (none, some) = (Answer(0, filtered), Answer(version, filtered));
        using var rules = held && version > 0 ? Landlock.TryCreate(version) : null;
        LinuxCalls.Prepare();
        // Nothing can be loaded any more behind this.
        LinuxCalls.Write(1, rules is not null && rules.Restrict() ? some : none);
        LinuxCalls.Exit(0);
        return 0;

        static byte[] Answer(int landlock, bool seccomp) => Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"landlock={landlock} seccomp={(seccomp ? 1 : 0)}\n"));
    }

    // What held when it was probed must hold now: never run the program with less. Everything is prepared before Landlock
    // holds, as from then on this runtime cannot load any of its own parts either.
    private static unsafe int Become(LaunchOptions options, string[] command)
    {
        if (!LinuxCalls.GiveUpNewPrivileges()) return Fail($"no_new_privs: {LinuxCalls.Error()}");
        var rules = options.Landlock > 0 ? Landlock.TryCreate(options.Landlock) : null;
        if (options.Landlock > 0 && rules is null) return Fail($"landlock: {LinuxCalls.Error()}");
        if (rules is not null && Allow(rules, options, command[0]) is { } missing) return Fail(missing);
        var path = Text(command[0]);
        var arguments = Texts(command);
        var environment = Texts(Inherited());
        var failure = Encoding.UTF8.GetBytes($"cannot be confined, or not be run: {command[0]}\n");
        var serves = options.SocketDirectory.Length > 0;
        if (options.Seccomp && !SyscallFilter.Apply(Environment.ProcessId, serves)) return Fail($"seccomp: {LinuxCalls.Error()}");
        LinuxCalls.Prepare();
        LinuxCalls.Restore();
        if (rules is null || rules.Restrict()) _ = LinuxCalls.Execute(path, arguments, environment);
        LinuxCalls.Write(2, failure);
        LinuxCalls.Exit(CannotStart);
        return CannotStart;
    }

    private static string? Allow(Landlock rules, LaunchOptions options, string program)
    {
        foreach (var path in Programs.Concat(Sources).Concat(options.Programs).Append(program)) rules.AllowReading(path);
        foreach (var path in options.Inputs)
        {
            if (!rules.AllowInput(path)) return $"{path}: {LinuxCalls.Error()}";
        }

        foreach (var path in options.Outputs.Append(Sink))
        {
            if (!rules.AllowOutput(path)) return $"{path}: {LinuxCalls.Error()}";
        }

        var sockets = options.SocketDirectory;
        return sockets.Length == 0 || rules.AllowSockets(sockets) ? null : $"{sockets}: {LinuxCalls.Error()}";
    }

    // What is meant for this runtime is none of the program's business.
    private static List<string> Inherited() =>
    [
        .. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(variable => !((string)variable.Key).StartsWith("DOTNET_", StringComparison.Ordinal))
            .Select(variable => $"{variable.Key}={variable.Value}"),
    ];

    // Never freed: this process becomes another one, or ends.
    private static unsafe byte** Texts(IReadOnlyList<string> texts)
    {
        var array = (byte**)NativeMemory.AllocZeroed((nuint)texts.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Count; i++) array[i] = Text(texts[i]);
        return array;
    }

    private static unsafe byte* Text(string text) => (byte*)Marshal.StringToCoTaskMemUTF8(text);

    private static int Fail(string what)
    {
        Complain($"cannot be confined: {what}");
        return CannotStart;
    }

    private static void Complain(string what) => LinuxCalls.Write(2, Encoding.UTF8.GetBytes(what + "\n"));
}
