using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging.Files;

/// <summary>File operations that survive power loss when they return, and the modes that Glance expects.</summary>
internal static class DurableFiles
{
    // glance-api runs under another user of the same group and must be able to read and remove what is staged.
    private const UnixFileMode SharedFile =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private const string UnfinishedSuffix = ".tmp";

    private const UnixFileMode DirectoryMode = SharedFile | UnixFileMode.UserExecute | UnixFileMode.GroupExecute;

    /// <summary>
    /// Opens a file for positional reads and writes, mode 0660 whatever the umask. Nothing locks it: Glance would not
    /// ask for a lock.
    /// </summary>
    public static SafeFileHandle OpenWritable(string path, FileMode mode)
    {
        var handle = RegularFile.OpenToWrite(path, mode);
        if (mode != FileMode.Open) File.SetUnixFileMode(handle, SharedFile);
        return handle;
    }

    /// <summary>Gives a file that somebody else made the mode that ours have, if this user may do that.</summary>
    public static void TryShare(SafeFileHandle file)
    {
        try
        {
            File.SetUnixFileMode(file, SharedFile);
        }
        catch (UnauthorizedAccessException)
        {
            // Its owner is another user, whom it serves as it is; it can be read, and removing it takes no mode.
        }
    }

    /// <summary>Creates a directory, and those above it that are missing; all of them are durable.</summary>
    public static void CreateDirectory(string path)
    {
        if (Directory.Exists(path)) return;
        CreateMissing(path);
        File.SetUnixFileMode(path, DirectoryMode);
    }

    /// <summary>Creates a directory that nobody counts on yet: its parent is to be synced before anybody does.</summary>
    public static void CreateDirectoryUnsynced(string path)
    {
        if (Directory.Exists(path)) return;
        Directory.CreateDirectory(path, DirectoryMode);
        File.SetUnixFileMode(path, DirectoryMode);
    }

    private static void CreateMissing(string path)
    {
        if (Directory.Exists(path)) return;
        var parent = Path.GetDirectoryName(path)!;
        CreateMissing(parent);
        Directory.CreateDirectory(path, DirectoryMode);
        Posix.SyncDirectory(parent);
    }

    /// <summary>
    /// Replaces a small file so that after a crash either the old or the new content is there, whole and durable.
    /// </summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + UnfinishedSuffix;
        Write(temporary, content);
        File.Move(temporary, path, overwrite: true);
        Posix.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>
    /// Removes what a process leaves that ends within <see cref="Replace"/>, which nobody counts on. Only for a start:
    /// later it may be of a replacement under way. Never fails: at worst it stays, to be written over.
    /// </summary>
    /// <returns>Whether it was that.</returns>
    public static bool RemoveUnfinished(string path)
    {
        if (!path.EndsWith(UnfinishedSuffix, StringComparison.Ordinal)) return false;
        try
        {
            if (Posix.TryStatus(path) is not { IsRegular: true }) return false; // nothing that we write
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A disk that takes no removal; the next start tries again.
        }

        return true;
    }

    /// <summary>Writes a small file; its content is durable, its name is once the directory is.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        // Not over what an earlier process left or somebody put there, which may have a second name.
        Delete(path);
        using var handle = OpenWritable(path, FileMode.CreateNew);
        RandomAccess.Write(handle, content, 0);
        Posix.Sync(handle);
    }

    /// <summary>Makes the content of a file durable.</summary>
    public static void Sync(string path)
    {
        using var handle = RegularFile.OpenToWrite(path, FileMode.Open);
        Posix.Sync(handle);
    }

    /// <summary>Removes a file, or what has its name but is no directory; answers the bytes of a file, else 0.</summary>
    public static long Delete(string path)
    {
        if (Posix.TryStatus(path) is not { IsDirectory: false } status) return 0;
        File.Delete(path);
        return status.IsRegular ? status.Size : 0;
    }
}
