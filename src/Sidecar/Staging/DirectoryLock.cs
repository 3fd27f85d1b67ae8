namespace Sidecar.Staging;

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
                return held;
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StagingStartException(
                $"The staging directory {layout.Directory} cannot be used ({failure.Message}). It must be a directory "
                + "that this user may write; set Staging:Directory.",
                failure);
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
