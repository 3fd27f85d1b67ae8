using System.IO.Pipes;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Processes.Streams;

/// <summary>What Linux can do with the pipes between the daemon and a program, and .NET cannot.</summary>
internal static partial class Pipes
{
    private const int SetPipeSize = 1031; // F_SETPIPE_SZ

    // The most that anybody may have, unless fs.pipe-max-size says otherwise.
    private const int Bytes = 1 << 20;

    private const int Interrupted = 4;
    private const int BrokenPipe = 32;

    /// <summary>
    /// Lets a pipe hold more than its 64 KiB: each side then does more at once before it has to wait for the other. The kernel
    /// refuses it to a user who has many pipes already; it stays as it was then.
    /// </summary>
    public static void Widen(Stream pipe) => _ = Control(Handle(pipe), SetPipeSize, Bytes);

    /// <summary>Puts a part of a file into a pipe without a copy of it in this process; waits until there is room.</summary>
    /// <returns>How many bytes; 0 at the file's end, and when nobody reads from the pipe any more.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static long Fill(Stream pipe, SafeFileHandle file, long offset, long most)
    {
        while (true)
        {
            var moved = Splice(file, ref offset, Handle(pipe), 0, (nint)Math.Min(most, Bytes), 0);
            if (moved >= 0) return moved;
            var error = Marshal.GetLastPInvokeError();
            if (error == BrokenPipe) return 0;
            if (error != Interrupted) throw new IOException($"The file cannot be read: {Marshal.GetPInvokeErrorMessage(error)}.");
        }
    }

    private static SafePipeHandle Handle(Stream pipe) => ((PipeStream)pipe).SafePipeHandle;

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafePipeHandle pipe, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "splice", SetLastError = true)]
    private static partial nint Splice(
        SafeFileHandle from, ref long fromOffset, SafePipeHandle to, nint toOffset, nint length, uint flags);
}
