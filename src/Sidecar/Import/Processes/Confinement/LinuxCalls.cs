using System.Runtime.InteropServices;

namespace Sidecar.Import.Processes.Confinement;

/// <summary>The calls by which a process gives up rights, and becomes another program.</summary>
internal static partial class LinuxCalls
{
    public const int LandlockCreateRuleset = 444;
    public const int LandlockAddRule = 445;
    public const int LandlockRestrictSelf = 446;

    private const int CloseRange = 436;
    private const int CloseRangeOnExec = 4;
    private const int SetParentDeathSignal = 1;
    private const int SetNoNewPrivileges = 38;
    private const int SignalPipe = 13;
    public const int SignalKill = 9;
    public const int SignalContinue = 18;
    public const int SignalStop = 19;
    private const int OpenPath = 0x200000 | 0x80000; // O_PATH | O_CLOEXEC

    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly int Seccomp = Arm ? 277 : 317;
    private static readonly int WriteNumber = Arm ? 64 : 1;
    private static readonly int ExitNumber = Arm ? 94 : 231;
    private static readonly int NoFollow = Arm ? 0x8000 : 0x20000;

    /// <summary>Any system call; -1 when it fails, and <see cref="Error"/> says why.</summary>
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint Call(nint number, nint first, nint second, nint third, nint fourth);

    [LibraryImport("libc", EntryPoint = "getppid")]
    public static partial int ParentId();

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true)]
    public static unsafe partial int Execute(byte* path, byte** arguments, byte** environment);

    /// <summary>A signal to a process; false when it is gone, or is another user's.</summary>
    public static bool Send(int processId, int signal) => Kill(processId, signal) == 0;

    public static string Error() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    /// <summary>Names a file without opening it; -1 when it is not there. A link is only followed where that is asked for.</summary>
    public static int OpenName(string path, bool follow) => Open(path, OpenPath | (follow ? 0 : NoFollow), 0);

    /// <summary>Dies when the thread that started this process ends.</summary>
    public static bool DieWithParent() => Control(SetParentDeathSignal, SignalKill, 0, 0, 0) == 0;

    public static bool GiveUpNewPrivileges() => Control(SetNoNewPrivileges, 1, 0, 0, 0) == 0;

    public static unsafe bool SetFilter(SyscallFilter.Program* filter) => Call(Seccomp, 1, 0, (nint)filter, 0) == 0;

    /// <summary>Uses once what is needed when nothing can be loaded any more.</summary>
    public static unsafe void Prepare()
    {
        _ = Execute(null, null, null);
        Write(2, []);
    }

    public static unsafe void Write(int descriptor, byte[] bytes)
    {
        fixed (byte* first = bytes) _ = Call(WriteNumber, descriptor, (nint)first, bytes.Length, 0);
    }

    /// <summary>At once, without the runtime's own end.</summary>
    public static void Exit(int code) => _ = Call(ExitNumber, code, 0, 0, 0);

    /// <summary>
    /// What this runtime changed, as the next program expects it: it would inherit the ignored signal, and descriptors.
    /// </summary>
    public static void Restore()
    {
        _ = Signal(SignalPipe, 0);
        _ = Call(CloseRange, 3, int.MaxValue, CloseRangeOnExec, 0);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static partial nint Signal(int number, nint handler);
}
