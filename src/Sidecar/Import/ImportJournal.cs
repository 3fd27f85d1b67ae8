using System.Text.Json;
using Sidecar.Staging;

namespace Sidecar.Import;

/// <summary>
/// The directories of imports: <c>&lt;import id&gt;/import.json</c> tells request, state and result; beside it lie
/// work files and the output. The journal is replaced as a whole and durable before anybody is told that the import
/// exists or how it ended, so after a crash the state on disk is never ahead of the files. Whether it waits or runs is
/// not in it.
/// </summary>
internal sealed class ImportJournal(StagingLayout layout)
{
    private const string FileName = "import.json";

    // Requests are bounded by the message size of the API; a longer journal was not written by us.
    private const long MaxBytes = 16 << 20;

    /// <summary>Begins an import; one that failed may begin again.</summary>
    public void Create(ImportSnapshot import)
    {
        var directory = layout.ImportDirectory(import.ImportId);
        if (Directory.Exists(directory))
        {
            Write(import);
            return;
        }

        // There is nothing to replace, and so a single flush of the disk does for all of this.
        DurableFiles.CreateDirectory(layout.Imports);
        DurableFiles.CreateDirectory(directory);
        DurableFiles.Write(Path.Combine(directory, FileName), Serialize(import));
        Posix.SyncDirectory(directory);
        Posix.SyncDirectory(layout.Imports);
    }

    public void Write(ImportSnapshot import) =>
        DurableFiles.Replace(Path.Combine(layout.ImportDirectory(import.ImportId), FileName), Serialize(import));

    /// <summary>All directories and what their journals say; null where one cannot be read.</summary>
    public IEnumerable<(string Directory, ImportSnapshot? Import)> ReadAll()
    {
        if (!Directory.Exists(layout.Imports)) yield break;
        foreach (var directory in Directory.EnumerateDirectories(layout.Imports))
        {
            yield return (directory, TryRead(directory));
        }
    }

    /// <summary>Removes everything of an import but its journal.</summary>
    /// <returns>Bytes of the files.</returns>
    public long RemoveWorkFiles(Guid importId) => Directory.Exists(layout.ImportDirectory(importId))
        ? Directory.EnumerateFiles(layout.ImportDirectory(importId))
            .Where(path => Path.GetFileName(path) != FileName)
            .Sum(DurableFiles.Delete)
        : 0;

    /// <summary>Removes an import.</summary>
    /// <returns>Bytes of its files.</returns>
    public long Remove(Guid importId)
    {
        var bytes = RemoveWorkFiles(importId);
        RemoveDirectory(layout.ImportDirectory(importId));
        return bytes;
    }

    public void RemoveDirectory(string directory)
    {
        if (!Directory.Exists(directory)) return;
        Directory.Delete(directory, recursive: true);
        Posix.SyncDirectory(layout.Imports);
    }

    private static byte[] Serialize(ImportSnapshot import) => JsonSerializer.SerializeToUtf8Bytes(
        JournalRecord.FromSnapshot(import), JournalContext.Default.JournalRecord);

    private static ImportSnapshot? TryRead(string directory)
    {
        var file = new FileInfo(Path.Combine(directory, FileName));
        if (!file.Exists || file.Length > MaxBytes || !Guid.TryParseExact(file.Directory!.Name, "D", out var importId))
        {
            return null;
        }

        try
        {
            var json = File.ReadAllBytes(file.FullName);
            var import = JsonSerializer.Deserialize(json, JournalContext.Default.JournalRecord)?.ToSnapshot();
            return import?.ImportId == importId ? import : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
