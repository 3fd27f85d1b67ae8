using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Disk;

/// <summary>
/// Makes the private directories and holds the staging directory for this process. The lock is the kernel's
/// (<c>flock</c>), so it ends with the process however that ends.
/// </summary>
internal static class DirectoryLock
{
    /// <exception cref="StagingStartException">Owned by another daemon, newer layout, or not writable.</exception>
    public static IDisposable Take(StagingLayout layout)
    {
        try
        {
            CreateDirectories(layout.Directory, layout.Private);
            var held = Hold(layout);
            try
            {
                new LayoutVersion(layout, StagingLayout.Migrations).BringUpToDate();
                CreateDirectories(layout.Uploads, layout.Images, layout.Imports, layout.Outputs);
                SyncDirectories(layout);
                return held;
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (IOException full) when (full.HResult is Posix.Enospc or Posix.Edquot)
        {
            throw new StagingStartException(
                $"The volume of the staging directory {layout.Directory} is full: there is no room for the sidecar's own files, a "
                + "few kilobytes. Remove something from the volume, or set Staging:Directory to a directory on another one, and "
                + "start it again.",
                full);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StagingStartException(
                $"The staging directory {layout.Directory} cannot be used ({failure.Message}). It must be a directory "
                + "that this user may write; set Staging:Directory.",
                failure);
        }
    }

    // Each time, not only when they are made: a process that was killed between the two leaves directories that a power loss
    // takes away, with everything that was acknowledged below them.
    private static void SyncDirectories(StagingLayout layout)
    {
        Posix.SyncDirectory(layout.Private);
        Posix.SyncDirectory(layout.Directory);
        try
        {
            Posix.SyncDirectory(Path.GetDirectoryName(layout.Directory)!);
        }
        catch (IOException unreadable) when (unreadable.HResult == Posix.Eacces)
        {
            // The staging directory was given to this user, and so was made by somebody else.
        }
    }

    private static FileStream Hold(StagingLayout layout)
    {
        try
        {
            return new FileStream(layout.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException taken) when (File.Exists(layout.LockFile))
        {
            throw new StagingStartException(
                $"The staging directory {layout.Directory} is in use by another sidecar. Stop that one, or set "
                + "Staging:Directory to a directory of its own.",
                taken);
        }
    }

    private static void CreateDirectories(params ReadOnlySpan<string> directories)
    {
        foreach (var directory in directories) DurableFiles.CreateDirectory(directory);
    }
}
