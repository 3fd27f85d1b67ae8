using Sidecar.Staging.Core;

namespace Sidecar.Staging.Disk;

/// <summary>
/// Files in the staging directory that nobody staged through the sidecar: Glance's own file driver or an operator
/// wrote them. They are counted and left alone, as nothing tells whether they are whole.
/// </summary>
internal readonly record struct UnmanagedFiles(long Files, long Bytes)
{
    public static UnmanagedFiles Count(StagingLayout layout, Func<ImageId, bool> isStaged)
    {
        var files = 0L;
        var bytes = 0L;
        foreach (var file in new DirectoryInfo(layout.Directory).EnumerateFiles())
        {
            if (ImageId.TryParse(file.Name, out var id) && isStaged(id)) continue;
            files++;
            bytes += file.Exists ? file.Length : 0;
        }

        return new UnmanagedFiles(files, bytes);
    }
}
