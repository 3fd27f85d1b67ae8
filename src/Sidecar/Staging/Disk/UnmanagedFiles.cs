using System.IO.Enumeration;
using Sidecar.Staging.Core;

namespace Sidecar.Staging.Disk;

/// <summary>
/// Files in the staging directory that nobody staged through the sidecar: Glance's own file driver or an operator
/// wrote them. They are counted and left alone, as nothing tells whether they are whole.
/// </summary>
internal readonly record struct UnmanagedFiles(long Files, long Bytes)
{
    // Everything that has a name is counted; what the name stands for is asked only of what nobody staged here.
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <exception cref="IOException">The directory cannot be read.</exception>
    public static UnmanagedFiles Count(StagingLayout layout, Func<ImageId, bool> isStaged)
    {
        var lengths = new FileSystemEnumerable<long>(
            layout.Directory, (ref FileSystemEntry entry) => entry.Length, Everything)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) =>
                !entry.IsDirectory && !(ImageId.TryParse(entry.FileName, out var id) && isStaged(id)),
        };
        var (files, bytes) = (0L, 0L);
        foreach (var length in lengths)
        {
            files++;
            bytes += length;
        }

        return new UnmanagedFiles(files, bytes);
    }
}
