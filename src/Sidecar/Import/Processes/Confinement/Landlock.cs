using System.Runtime.InteropServices;

namespace Sidecar.Import.Processes.Confinement;

/// <summary>
/// Landlock: what this thread, and whatever it becomes, may open from now on. It takes no privileges, holds for root too,
/// and cannot be undone. Each version of the kernel's interface knows more rights; those that it does not know stay
/// unrestricted, and are kept in bounds by <see cref="SyscallFilter"/> as far as that can tell.
/// </summary>
internal sealed class Landlock : IDisposable
{
    private const ulong Execute = 1 << 0;
    private const ulong WriteFile = 1 << 1;
    private const ulong ReadFile = 1 << 2;
    private const ulong ReadDirectory = 1 << 3;
    private const ulong MakeSocket = 1 << 9;
    private const ulong AllOfFirst = (1 << 13) - 1;
    private const ulong Refer = 1 << 13;
    private const ulong Truncate = 1 << 14;
    private const ulong DeviceControl = 1 << 15;
    private const ulong BindAndConnectTcp = 3;
    private const ulong AbstractSocketsAndSignals = 3;
    private const int RulePathBeneath = 1;

    private readonly int _version;
    private readonly int _ruleset;

    private Landlock(int version, int ruleset) => (_version, _ruleset) = (version, ruleset);

    /// <summary>Version of the interface; 0 where the kernel has none, or a container forbids it.</summary>
    public static int Version() => (int)Math.Max(0, LinuxCalls.Call(LinuxCalls.LandlockCreateRuleset, 0, 0, 1, 0));

    /// <summary>A set of rules that allows nothing yet. Null when the kernel refuses it.</summary>
    public static unsafe Landlock? TryCreate(int version)
    {
        var attributes = new Attributes
        {
            Files = AllOfFirst | (version >= 2 ? Refer : 0) | (version >= 3 ? Truncate : 0)
                | (version >= 5 ? DeviceControl : 0),
            Network = version >= 4 ? BindAndConnectTcp : 0,
            Scope = version >= 6 ? AbstractSocketsAndSignals : 0,
        };
        // Older kernels know a shorter one.
        var size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
        var ruleset = (int)LinuxCalls.Call(LinuxCalls.LandlockCreateRuleset, (nint)(&attributes), size, 0, 0);
        return ruleset < 0 ? null : new Landlock(version, ruleset);
    }

    /// <summary>Everything below a directory, or a file, may be read and run. What is not there needs no rule.</summary>
    public void AllowReading(string path, bool follow = true) =>
        _ = Allow(path, Execute | ReadFile | (Directory.Exists(path) ? ReadDirectory : 0), follow);

    /// <summary>One file may be read and nothing else.</summary>
    public bool AllowInput(string path) => Allow(path, ReadFile, follow: false);

    /// <summary>One file, or device, may be read and written.</summary>
    public bool AllowOutput(string path) =>
        Allow(path, ReadFile | WriteFile | (_version >= 3 ? Truncate : 0), follow: false);

    /// <summary>Sockets may be made in a directory, and nothing else.</summary>
    public bool AllowSockets(string directory) => Allow(directory, MakeSocket, follow: false);

    /// <summary>From here on it holds for this thread.</summary>
    public bool Restrict() => LinuxCalls.Call(LinuxCalls.LandlockRestrictSelf, _ruleset, 0, 0, 0) == 0;

    public void Dispose() => _ = LinuxCalls.Close(_ruleset);

    private unsafe bool Allow(string path, ulong rights, bool follow)
    {
        var name = LinuxCalls.OpenName(path, follow);
        if (name < 0) return false;
        var rule = new Rule { Rights = rights, Name = name };
        var added = LinuxCalls.Call(LinuxCalls.LandlockAddRule, _ruleset, RulePathBeneath, (nint)(&rule), 0) == 0;
        _ = LinuxCalls.Close(name);
        return added;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Attributes
    {
        public ulong Files;
        public ulong Network;
        public ulong Scope;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Rule
    {
        public ulong Rights;
        public int Name;
    }
}
