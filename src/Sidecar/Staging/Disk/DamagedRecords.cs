using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Disk;

/// <summary>
/// Records that make no sense: they are moved to <c>.sidecar/damaged</c>, where an operator may look at them and remove
/// them, logged, and counted as long as they lie there: however large they are, as a rename moves no bytes.
/// </summary>
internal static class DamagedRecords
{
    /// <summary>Moves a record out of the way, whatever it is. Never fails: at worst it stays where it is.</summary>
    /// <param name="name">Its name there: the kind of record, and what it is of.</param>
    /// <param name="why">What is wrong with it.</param>
    public static void SetAside(StagingLayout layout, ILogger log, string path, string name, string why)
    {
        var aside = Path.Combine(layout.Damaged, name);
        try
        {
            if (Posix.TryStatus(path) is null) return;
            DurableFiles.CreateDirectory(layout.Damaged);
            Remove(aside);
            Posix.TryRename(path, aside);
            DamagedNotes.Write(layout, name, why);
            StagingLog.RecordSetAside(log, path, aside, why);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordKept(log, path, why, failure.Message);
        }
    }

    /// <summary>How many lie there now.</summary>
    public static long Count(StagingLayout layout) =>
        Directory.Exists(layout.Damaged) ? Directory.EnumerateFileSystemEntries(layout.Damaged).LongCount() : 0;

    /// <summary>How many lie there now, and the first of them by name. None when the disk cannot be asked.</summary>
    public static (int Count, IReadOnlyList<DamagedRecord> First) List(StagingLayout layout, int most)
    {
        try
        {
            if (!Directory.Exists(layout.Damaged)) return (0, []);
            var names = Directory.EnumerateFileSystemEntries(layout.Damaged).Select(path => Path.GetFileName(path)).ToList();
            names.Sort(StringComparer.Ordinal);
            return (names.Count, [.. names.Take(most).Select(name => DamagedNotes.Read(layout, name))]);
        }
        catch (Exception failure) when (DiskFault.Is(failure))
        {
            return (0, []);
        }
    }

    // What was set aside by the same name before: the newer one tells more.
    private static void Remove(string path)
    {
        if (Posix.TryStatus(path) is not { } status) return;
        if (status.IsDirectory) Directory.Delete(path, recursive: true);
        else File.Delete(path);
    }
}
