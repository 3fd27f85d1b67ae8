using System.Text;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Disk;

/// <summary>
/// Records that make no sense: they are moved to <c>.sidecar/damaged</c>, where an operator may look at them and remove
/// them, logged, and counted as long as they lie there: however large they are, as a rename moves no bytes.
/// </summary>
internal static class DamagedRecords
{
    // A file system takes 255; the directory that a name is of may have that many by itself.
    private const int MostNameBytes = 200;

    /// <summary>Moves a record out of the way, whatever it is. Never fails: at worst it stays where it is.</summary>
    /// <param name="name">Its name there: the kind of record, and what it is of.</param>
    /// <param name="why">What is wrong with it.</param>
    /// <returns>Whether it is not where it was any more; else nothing around it must be removed, or it would be lost.</returns>
    public static bool SetAside(StagingLayout layout, ILogger log, string path, string name, string why)
    {
        name = Fit(name);
        var aside = Path.Combine(layout.Damaged, name);
        try
        {
            if (Posix.TryStatus(path) is null) return true;
            DurableFiles.CreateDirectory(layout.Damaged);
            Remove(aside);
            // What took the name since is somebody's at work in the directory: the record stays, and the next start tries again.
            if (!Posix.TryRename(path, aside)) throw new IOException($"{aside} exists");
            DamagedNotes.Write(layout, name, why);
            StagingLog.RecordSetAside(log, path, aside, why);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordKept(log, path, why, failure.Message);
            return false;
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

    // A name that is cut has a checksum of the whole, so that two of them stay apart.
    private static string Fit(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length <= MostNameBytes) return name;
        var end = MostNameBytes;
        while ((bytes[end] & 0xC0) == 0x80) end--; // not within a character
        return $"{Encoding.UTF8.GetString(bytes, 0, end)}-{Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, bytes))}";
    }

    // What was set aside by the same name before: the newer one tells more.
    private static void Remove(string path)
    {
        if (Posix.TryStatus(path) is not { } status) return;
        if (status.IsDirectory) Directory.Delete(path, recursive: true);
        else File.Delete(path);
    }
}
