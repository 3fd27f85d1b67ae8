using System.Text.Json;
using Sidecar.Import.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Queue;

/// <summary>
/// The directories of imports: <c>&lt;import id&gt;/import.json</c> tells request, state and result; beside it lie
/// work files and the output. The journal is replaced as a whole and durable before anybody is told that the import
/// exists or how it ended, so after a crash the state on disk is never ahead of the files. Whether it waits or runs is
/// not in it, as each write waits for the disk; of one that runs there is a file <c>running</c> beside it, which is for the daemon's
/// own end and no promise.
/// </summary>
internal sealed class ImportJournal(StagingLayout layout)
{
    private const string FileName = "import.json";
    private const string RunningName = "running";

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

    /// <summary>Notes that it runs, or does no longer. When its work files are removed it does not, either.</summary>
    public void MarkRunning(Guid importId, bool isRunning = true)
    {
        var path = Path.Combine(layout.ImportDirectory(importId), RunningName);
        try
        {
            // Whatever has the name: a link would have another file emptied.
            File.Delete(path);
            if (isRunning) RegularFile.OpenToWrite(path, FileMode.CreateNew).Dispose();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Then a kill of the daemon is not counted.
        }
    }

    /// <summary>The directories of all imports.</summary>
    public IEnumerable<string> Directories() =>
        Directory.Exists(layout.Imports) ? Directory.EnumerateDirectories(layout.Imports) : [];

    /// <summary>What the journal in a directory says.</summary>
    /// <exception cref="InvalidDataException">It makes no sense.</exception>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public ImportSnapshot Read(string directory)
    {
        var name = Path.GetFileName(directory);
        var record = RecordFile.Read(
            Path.Combine(directory, FileName),
            JournalContext.Default.JournalRecord,
            record => record.ImportId.ToString("D") == name ? record.Flaw() : $"it is of import {record.ImportId}");
        var import = Place(record.ToSnapshot());
        var isRunning = !import.IsFinished && File.Exists(Path.Combine(directory, RunningName));
        return isRunning ? import with { State = ImportState.Running } : import;
    }

    // By its name alone, as the path in the record is that of the mount of then, or somebody else's idea: an output is the
    // staged file, or lies in the import's directory.
    private ImportSnapshot Place(ImportSnapshot import)
    {
        if (import.Result is not { } result) return import;
        var name = Path.GetFileName(result.OutputPath);
        var staged = layout.ImageFile(import.Request.ImageId);
        var path = name == Path.GetFileName(staged) ? staged : Path.Combine(layout.ImportDirectory(import.ImportId), name);
        return import with { Result = result with { OutputPath = path } };
    }

    /// <summary>Removes a directory whose journal makes no sense; the journal is set aside.</summary>
    /// <exception cref="IOException">The disk failed; the directory is still there.</exception>
    public void SetAside(string directory, ILogger log, string why)
    {
        var record = $"import-{Path.GetFileName(directory)}.json";
        if (!DamagedRecords.SetAside(layout, log, Path.Combine(directory, FileName), record, why))
        {
            throw new IOException("The record cannot be set aside.");
        }

        RemoveDirectory(directory);
    }

    /// <summary>Removes everything of an import but its journal.</summary>
    /// <returns>Bytes of the files.</returns>
    public long RemoveWorkFiles(Guid importId)
    {
        var directory = layout.ImportDirectory(importId);
        if (!Directory.Exists(directory)) return 0;
        // A daemon that was killed may leave the directory of a program's socket.
        foreach (var sockets in Directory.EnumerateDirectories(directory)) Directory.Delete(sockets, recursive: true);
        return Directory.EnumerateFiles(directory).Where(path => Path.GetFileName(path) != FileName).Sum(DurableFiles.Delete);
    }

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
}
