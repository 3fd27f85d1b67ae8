using System.Globalization;

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
            string[] directories =
                [layout.Directory, layout.Private, layout.Uploads, layout.Images, layout.Imports, layout.Outputs];
            foreach (var directory in directories) DurableFiles.CreateDirectory(directory);
            var held = Hold(layout);
            CheckFormat(layout);
            return held;
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

    private static void CheckFormat(StagingLayout layout)
    {
        if (!File.Exists(layout.FormatFile))
        {
            DurableFiles.Replace(layout.FormatFile, "1\n"u8);
            return;
        }

        var text = File.ReadAllText(layout.FormatFile).Trim();
        var known = StagingLayout.Version.ToString(CultureInfo.InvariantCulture);
        if (text == known) return;
        throw new StagingStartException(
            $"The staging directory {layout.Directory} has layout '{text}', and this version knows layout "
            + $"{known}. Run the version that wrote it, or an even newer one.");
    }
}
