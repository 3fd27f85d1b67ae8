using System.Text;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Disk;

/// <summary>
/// Why and when each record was set aside: a text file of its name in <c>.sidecar/damaged-notes</c>, apart from the records so
/// that no name can be taken for a note. Only for people: a note that is lost costs no record.
/// </summary>
internal static class DamagedNotes
{
    private const int MostBytes = 4096;

    // Each character takes three bytes at most.
    private const int MostCharacters = MostBytes / 3;

    public static void Write(StagingLayout layout, string name, string why)
    {
        try
        {
            DurableFiles.CreateDirectory(layout.DamagedNotes);
            if (!IsDirectory(layout)) return;
            var path = Path.Combine(layout.DamagedNotes, name);
            DurableFiles.Delete(path);
            using var file = DurableFiles.OpenWritable(path, FileMode.CreateNew);
            RandomAccess.Write(file, Encoding.UTF8.GetBytes(why.Length > MostCharacters ? why[..MostCharacters] : why), 0);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The record is set aside all the same, and the log has why.
        }
    }

    public static DamagedRecord Read(StagingLayout layout, string name)
    {
        try
        {
            var path = Path.Combine(layout.DamagedNotes, name);
            var why = Encoding.UTF8.GetString(RegularFile.ReadAll(path, MostBytes).Span);
            return new DamagedRecord(OneLine(name), OneLine(why), File.GetLastWriteTimeUtc(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return new DamagedRecord(OneLine(name), "", null);
        }
    }

    /// <summary>Removes those whose record an operator has removed.</summary>
    public static void Tidy(StagingLayout layout)
    {
        if (!IsDirectory(layout)) return;
        foreach (var note in Directory.EnumerateFiles(layout.DamagedNotes))
        {
            if (Posix.TryStatus(Path.Combine(layout.Damaged, Path.GetFileName(note))) is null) DurableFiles.Delete(note);
        }
    }

    // Behind a link in its place would be files of others, which are not to be removed.
    private static bool IsDirectory(StagingLayout layout) => Posix.TryStatus(layout.DamagedNotes) is { IsDirectory: true };

    private static string OneLine(string text) =>
        new([.. text.Select(character => char.IsControl(character) ? ' ' : character)]);
}
