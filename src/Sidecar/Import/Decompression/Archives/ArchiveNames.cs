namespace Sidecar.Import.Decompression.Archives;

/// <summary>Which names in an archive are those of files that somebody packed. A name is never used otherwise.</summary>
internal static class ArchiveNames
{
    /// <summary>False of directories, and of what macOS adds by itself: resource forks and the Finder's notes.</summary>
    public static bool IsFile(string name)
    {
        if (name.EndsWith('/') || name.EndsWith('\\')) return false;
        var parts = name.Split('/', '\\');
        return !parts.AsSpan()[..^1].Contains("__MACOSX") && parts[^1] != ".DS_Store"
            && !parts[^1].StartsWith("._", StringComparison.Ordinal);
    }
}
