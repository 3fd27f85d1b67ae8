using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging.Files;

/// <summary>The few Linux calls that the base class library has no way to make.</summary>
internal static partial class Posix
{
    public const int Enoent = 2;
    public const int Eio = 5;
    public const int Enxio = 6;
    public const int Eacces = 13;
    public const int Ebusy = 16;
    public const int Eexist = 17;
    public const int Exdev = 18;
    public const int Einval = 22;
    public const int Enfile = 23;
    public const int Emfile = 24;
    public const int Efbig = 27;
    public const int Enospc = 28;
    public const int Erofs = 30;
    public const int Enosys = 38;
    public const int Eloop = 40;
    public const int Eopnotsupp = 95;
    public const int Estale = 116;
    public const int Edquot = 122;

    private const int ResourceOfFiles = 7; // RLIMIT_NOFILE
    private const uint UsualDescriptors = 1024;
    private const uint MostDescriptors = 1 << 20;
    private const int DescriptorsOfRuntime = 256; // two for each assembly, where they are not compiled into one program
    private const int AtFdCwd = -100;
    private const int SeekToData = 3;
    private const int SeekToHole = 4;
    private const uint RenameNoReplace = 1;
    private const uint SyncFileRangeWrite = 2;
    private const nuint Ficlone = 0x40049409;
    // O_CLOEXEC, O_NONBLOCK: a FIFO does not make anybody wait for its other end.
    private const int OpenAtOnce = 0x80000 | 0x800;
    private const int OpenReadWrite = 2;
    private const int OpenCreate = 0x40;
    private const int OpenExclusive = 0x80;
    private const int OpenTruncate = 0x200;
    private const uint SharedMode = 0x1B0; // 0660
    private const int AtSymlinkNoFollow = 0x100;
    private const int AtEmptyPath = 0x1000;
    private const uint StatxBasic = 0x7FF;

    // O_NOFOLLOW and O_DIRECTORY, which the two processor architectures number differently.
    private static readonly int OpenNoFollow = IsArm ? 0x8000 : 0x20000;
    private static readonly int OpenReadOnlyDirectory = 0x80000 | (IsArm ? 0x4000 : 0x10000);

    /// <summary>
    /// Makes a file's content durable. Not <c>RandomAccess.FlushToDisk</c>: as of .NET 10 that returns normally when
    /// fsync fails, EIO included (seen by injecting it), and a lost write would be acknowledged.
    /// </summary>
    /// <exception cref="IOException">fsync failed, for whatever reason; its HResult is the errno.</exception>
    public static void Sync(SafeFileHandle file)
    {
        if (Fsync(file) != 0) throw LastError("fsync", "the file");
    }

    /// <summary>
    /// Makes renames, creations and removals in a directory durable.
    /// </summary>
    /// <exception cref="IOException">The directory cannot be opened, or the disk failed.</exception>
    public static void SyncDirectory(string path)
    {
        using var handle = OpenDirectory(path);
        Sync(handle);
    }

    /// <summary>Opens a directory, which <c>File.OpenHandle</c> refuses.</summary>
    /// <exception cref="IOException">It cannot be opened; its HResult is the errno.</exception>
    public static SafeFileHandle OpenDirectory(string path) => Handle(Open(path, OpenReadOnlyDirectory), path);

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Opens a file for reading. A FIFO does not make it wait for the other end, a link is not followed.</summary>
    /// <exception cref="IOException">It cannot be opened; its HResult is the errno.</exception>
    public static SafeFileHandle OpenToRead(string path) => Handle(Open(path, OpenAtOnce | OpenNoFollow), path);

    /// <summary>As <see cref="OpenToRead"/>, for reading and writing; a file that it makes has mode 0660 less the umask.</summary>
    /// <exception cref="IOException">It cannot be opened; its HResult is the errno.</exception>
    public static SafeFileHandle OpenToWrite(string path, FileMode mode)
    {
        var creation = mode switch
        {
            FileMode.Open => 0,
            FileMode.OpenOrCreate => OpenCreate,
            FileMode.Create => OpenCreate | OpenTruncate,
            FileMode.CreateNew => OpenCreate | OpenExclusive,
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Not a way in which files are opened here."),
        };
        return Handle(Open(path, OpenAtOnce | OpenNoFollow | OpenReadWrite | creation, SharedMode), path);
    }

    /// <summary>What a name stands for now, which is a link itself and not its target. Null when there is nothing.</summary>
    /// <exception cref="IOException">It cannot be asked; its HResult is the errno.</exception>
    public static FileStatus? TryStatus(string path)
    {
        if (Statx(AtFdCwd, path, AtSymlinkNoFollow, StatxBasic, out var status) == 0) return status;
        return Marshal.GetLastPInvokeError() == Enoent ? null : throw LastError("stat", path);
    }

    /// <summary>What is open.</summary>
    /// <exception cref="IOException">It cannot be asked; its HResult is the errno.</exception>
    public static FileStatus Status(SafeFileHandle file) =>
        Statx(file, "", AtEmptyPath, StatxBasic, out var status) == 0 ? status : throw LastError("stat", "the file");

    /// <summary>
    /// Renames in one step and never over an existing file, which <c>File.Move</c> only promises by looking first.
    /// </summary>
    /// <returns>False when the target exists.</returns>
    /// <exception cref="IOException">Any other failure; its HResult is the errno.</exception>
    public static bool TryRename(string from, string to)
    {
        if (RenameAt2(AtFdCwd, from, AtFdCwd, to, RenameNoReplace) == 0) return true;
        var error = Marshal.GetLastPInvokeError();
        if (error == Eexist) return false;
        // Some network and FUSE file systems do not know the flag; a hard link refuses an existing target as well.
        if (error is not (Einval or Enosys or Eopnotsupp)) throw LastError("rename", to);
        if (Link(from, to) != 0)
        {
            return Marshal.GetLastPInvokeError() == Eexist ? false : throw LastError("link", to);
        }

        try
        {
            File.Delete(from);
        }
        catch
        {
            // Two names of one file are no rename: whoever has the old one could go on writing to the image.
            File.Delete(to);
            throw;
        }

        return true;
    }

    /// <summary>
    /// Starts writing dirty pages of a range to the disk without waiting for them, so that a later fsync finds
    /// little left to do. A hint: failures are ignored, fsync will report what matters.
    /// </summary>
    public static void StartWriteback(SafeFileHandle file, long offset, long length) =>
        _ = SyncFileRange(file, offset, length, SyncFileRangeWrite);

    /// <summary>Shares the blocks of one file with another (btrfs, xfs). False where the file system cannot.</summary>
    public static bool TryReflink(SafeFileHandle from, SafeFileHandle to) => Ioctl(to, Ficlone, from) == 0;

    /// <summary>
    /// The first run of data at or behind an offset, not beyond <paramref name="end"/>; what lies between is a hole.
    /// Both are <paramref name="end"/> when there is no data. Where the file system cannot tell, everything is data.
    /// </summary>
    /// <exception cref="IOException">The file cannot be asked at all; its HResult is the errno.</exception>
    public static (long Start, long End) NextData(SafeFileHandle file, long offset, long end)
    {
        if (offset >= end) return (end, end);
        var start = Seek(file, offset, SeekToData);
        if (start < 0)
        {
            return Marshal.GetLastPInvokeError() switch
            {
                Enxio => (end, end), // only a hole is left
                Einval or Enosys or Eopnotsupp => (offset, end),
                _ => throw LastError("lseek", "the file"),
            };
        }

        if (start >= end) return (end, end);
        var stop = Seek(file, start, SeekToHole);
        return (start, stop < 0 ? end : Math.Min(stop, end));
    }

    /// <summary>How many files and sockets this process may have open, beside those that the runtime keeps for itself.</summary>
    public static long SpareDescriptors()
    {
        if (GetResourceLimit(ResourceOfFiles, out var limit) != 0) limit.Soft = UsualDescriptors;
        return Math.Max(0, (long)Math.Min(limit.Soft, MostDescriptors) - DescriptorsOfRuntime);
    }

    private static SafeFileHandle Handle(int descriptor, string path) =>
        descriptor < 0 ? throw LastError("open", path) : new SafeFileHandle(descriptor, ownsHandle: true);

    private static IOException LastError(string call, string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} of {path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode = 0);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    // All other reads and writes of the handle are positional, so that its position is nobody's.
    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int fromDirectory, string from, int toDirectory, string to, uint flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Ioctl(SafeFileHandle file, nuint request, SafeFileHandle argument);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetResourceLimit(int resource, out ResourceLimit limit);

    private struct ResourceLimit
    {
        public nuint Soft;
        public nuint Hard;
    }
}
