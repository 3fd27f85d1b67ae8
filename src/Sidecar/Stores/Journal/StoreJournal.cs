using System.Collections.Concurrent;
using System.Text.Json;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Journal;

/// <summary>
/// The records of writes, <c>.sidecar/stores/&lt;source id&gt;.&lt;store&gt;.json</c>. Each is durable before what it tells of
/// happens to the store, or when it has happened, so after a crash nothing is in a store of which no record tells.
/// </summary>
internal sealed class StoreJournal(StagingLayout layout, ILogger<StoreJournal> log)
{
    private const string Suffix = ".json";

    private readonly ConcurrentDictionary<StoreKey, StoreRecord> _records = new();

    // A write that waits for its turn and an attempt together with others may write the same record, to the same file.
    private readonly Lock _writing = new();

    public IEnumerable<StoreRecord> Records => _records.Values;

    public StoreRecord? Find(StoreKey key) => _records.GetValueOrDefault(key);

    public static string NameOf(StoreKey key) => $"{key.SourceId:D}.{key.Store}{Suffix}";

    /// <exception cref="IOException">The disk failed: nothing is known of it then but what was known before.</exception>
    public void Write(StoreRecord record)
    {
        DurableFiles.CreateDirectory(layout.Stores);
        var bytes = JsonSerializer.SerializeToUtf8Bytes(record, StoreRecordJson.Default.StoreRecord);
        lock (_writing)
        {
            DurableFiles.Replace(FileOf(record.Key), bytes);
            _records[record.Key] = record;
        }
    }

    public void Remove(StoreKey key)
    {
        if (!_records.ContainsKey(key)) return;
        DurableFiles.Delete(FileOf(key));
        Posix.SyncDirectory(layout.Stores);
        _records.TryRemove(key, out _);
    }

    /// <summary>Reads what an earlier process left. Call it once, before anything else.</summary>
    public void Recover()
    {
        if (!Directory.Exists(layout.Stores)) return;
        foreach (var path in RecordFile.List(layout.Stores)) Recover(path);
    }

    private void Recover(string path)
    {
        var name = Path.GetFileName(path);
        try
        {
            var record = RecordFile.Read(path, StoreRecordJson.Default.StoreRecord, record => record.Flaw(name));
            _records[record.Key] = record;
        }
        catch (InvalidDataException damaged)
        {
            DamagedRecords.SetAside(layout, log, path, "store-" + name, damaged.Message);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordUnreadable(log, path, failure.Message);
        }
    }

    private string FileOf(StoreKey key) => Path.Combine(layout.Stores, NameOf(key));
}
