using System.Runtime.InteropServices;

namespace Sidecar.Import.Processes.Confinement;

/// <summary>
/// A seccomp filter: refuses the system calls by which a program could reach other processes, sockets, or the attributes
/// of files that Landlock does not guard. It takes no privileges, holds for all that the thread becomes, and adds to the
/// filter of a container.
/// </summary>
internal static class SyscallFilter
{
    private const ushort Load = 0x20;
    private const ushort And = 0x54;
    private const ushort Equal = 0x15;
    private const ushort AtLeast = 0x35;
    private const ushort AnyBit = 0x45;
    private const ushort Return = 0x06;

    private const uint Allow = 0x7FFF0000;
    private const uint KillProcess = 0x80000000;
    private const uint Refuse = 0x00050000 | 1; // EPERM
    private const uint Unknown = 0x00050000 | 38; // ENOSYS

    // Offsets in struct seccomp_data; of the arguments only the lower half matters here.
    private const uint Number = 0;
    private const uint Processor = 4;
    private const uint First = 16;
    private const uint Second = 24;
    private const uint Third = 32;

    private const uint ForeignNumbers = 0x40000000; // x32, whose numbers stand for other calls
    private const uint CloneThread = 0x10000;
    private const uint AccessMode = 3;
    private const uint OpenTruncate = 0x200;
    private const uint UnixSocket = 1;
    private const uint SocketKind = 0xF;
    private const uint StreamSocket = 1;

    /// <summary>The filter holds for this thread when it returns true. It must not gain privileges any more by then.</summary>
    /// <param name="processId">The process that may be signalled: itself.</param>
    /// <param name="serves">
    /// It may make Unix sockets and listen on them, and still connect to none. Only streams: any other kind could send to whom it
    /// likes without connecting.
    /// </param>
    public static unsafe bool Apply(int processId, bool serves)
    {
        var instructions = Build((uint)processId, serves);
        fixed (Instruction* first = instructions)
        {
            var program = new Program { Length = (ushort)instructions.Length, First = first };
            return LinuxCalls.SetFilter(&program);
        }
    }

    private static Instruction[] Build(uint processId, bool serves) =>
    [
        new(Load, Processor),
        new(Equal, SyscallTable.ProcessorName, 1, 0),
        new(Return, KillProcess),
        new(Load, Number),
        new(AtLeast, ForeignNumbers, 0, 1),
        new(Return, Refuse),
        .. serves ? OnlyUnixStreams() : [.. SyscallTable.ToServe.SelectMany(call => Answer(call, Refuse))],
        .. SyscallTable.Refused.SelectMany(call => Answer(call, Refuse)),
        .. SyscallTable.Unknown.SelectMany(call => Answer(call, Unknown)),
        .. OnlyFor(SyscallTable.Kill, processId),
        .. OnlyFor(SyscallTable.KillThread, processId),
        .. OnlyFor(SyscallTable.Limits, 0),
        // Threads, and no processes.
        .. Block(SyscallTable.Clone, [new(Load, First), new(AnyBit, CloneThread, 0, 1), new(Return, Allow), new(Return, Refuse)]),
        .. NoTruncation(SyscallTable.OpenAt, Third),
        .. SyscallTable.Open is { } open ? NoTruncation(open, Second) : [],
        new(Return, Allow),
    ];

    private static Instruction[] Answer(int call, uint answer) => Block(call, [new(Return, answer)]);

    private static Instruction[] OnlyFor(int call, uint first) => Block(
        call, [new(Load, First), new(Equal, first, 0, 1), new(Return, Allow), new(Return, Refuse)]);

    private static Instruction[] OnlyUnixStreams() => Block(
        SyscallTable.Socket,
        [
            new(Load, First), new(Equal, UnixSocket, 0, 3),
            new(Load, Second), new(And, SocketKind), new(Equal, StreamSocket, 1, 0),
            new(Return, Refuse), new(Return, Allow),
        ]);

    // Opened for reading, a file is emptied all the same, which Landlock before version 3 takes for reading.
    private static Instruction[] NoTruncation(int call, uint flags) => Block(
        call,
        [
            new(Load, flags), new(And, AccessMode), new(Equal, 1, 4, 0), new(Equal, 2, 3, 0),
            new(Load, flags), new(AnyBit, OpenTruncate, 0, 1), new(Return, Refuse), new(Return, Allow),
        ]);

    // Every path of a block ends in an answer, so that behind it the accumulator is the call's number still.
    private static Instruction[] Block(int call, Instruction[] inside) =>
        [new(Equal, (uint)call, 0, (byte)inside.Length), .. inside];

    /// <summary>struct sock_filter.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Instruction(ushort code, uint value, byte whenTrue = 0, byte whenFalse = 0)
    {
        public readonly ushort Code = code;
        public readonly byte WhenTrue = whenTrue;
        public readonly byte WhenFalse = whenFalse;
        public readonly uint Value = value;
    }

    /// <summary>struct sock_fprog.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct Program
    {
        public ushort Length;
        public void* First;
    }
}
