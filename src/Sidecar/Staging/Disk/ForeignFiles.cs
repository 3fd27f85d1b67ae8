using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Disk;

/// <summary>
/// What others wrote into the staging directory for an image: Glance's own store driver the image itself, its import
/// plugins files beside it (<c>.raw</c>, <c>.qcow2</c>, <c>.uc</c>), the latter sometimes a directory. They are removed
/// with the image. A symbolic link is removed, and never followed.
/// </summary>
internal sealed class ForeignFiles(StagingContext context)
{
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = 0, MatchCasing = MatchCasing.CaseSensitive,
    };

    /// <summary>Whether there is a file by the image's own name, that is not newer. It may be a staged image.</summary>
    public bool HasPlain(ImageId id, DateTimeOffset limit) => Find(id.ToString(), limit).Any();

    /// <summary>Removes the file by the image's own name. The caller holds the lock of an image that is not staged.</summary>
    /// <returns>The bytes freed; null when there was none.</returns>
    public long? RemovePlain(ImageId id, DateTimeOffset limit) => Remove(id.ToString(), limit);

    /// <summary>Removes the files beside the image. The sidecar has none of such names.</summary>
    /// <returns>The bytes freed; null when there was none.</returns>
    public long? RemoveDerived(ImageId id, DateTimeOffset limit) => Remove(id + ".*", limit);

    private IEnumerable<FileSystemInfo> Find(string pattern, DateTimeOffset limit) =>
        new DirectoryInfo(context.Layout.Directory).EnumerateFileSystemInfos(pattern, Everything)
            .Where(entry => ChangedAt(entry) <= limit);

    private long? Remove(string pattern, DateTimeOffset limit)
    {
        long? freed = null;
        foreach (var entry in Find(pattern, limit).ToList())
        {
            if (TryRemove(entry) is { } bytes) freed = (freed ?? 0) + bytes;
        }

        if (freed is not null) Posix.SyncDirectory(context.Layout.Directory);
        return freed;
    }

    private long? TryRemove(FileSystemInfo entry)
    {
        try
        {
            var bytes = Inside(entry).Prepend(entry).OfType<FileInfo>().Sum(Length);
            if (IsDirectory(entry)) Directory.Delete(entry.FullName, recursive: true);
            else File.Delete(entry.FullName);
            StagingLog.ForeignRemoved(context.Log, entry.FullName, bytes);
            return bytes;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Somebody else's, after all: what is ours is deleted all the same.
            StagingLog.ForeignKept(context.Log, entry.FullName, failure.Message);
            return null;
        }
    }

    private static DateTimeOffset ChangedAt(FileSystemInfo entry) =>
        Inside(entry).Prepend(entry).Max(part => new DateTimeOffset(part.LastWriteTimeUtc));

    private static IEnumerable<FileSystemInfo> Inside(FileSystemInfo entry) =>
        IsDirectory(entry) ? Entries((DirectoryInfo)entry).SelectMany(part => Inside(part).Prepend(part)) : [];

    // Whoever made the directory may remove it at any time, while it is looked through as well.
    private static FileSystemInfo[] Entries(DirectoryInfo directory)
    {
        try
        {
            return directory.GetFileSystemInfos("*", Everything);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static long Length(FileInfo file) => file.LinkTarget is null ? file.Length : 0;

    private static bool IsDirectory(FileSystemInfo entry) => entry is DirectoryInfo && entry.LinkTarget is null;
}
