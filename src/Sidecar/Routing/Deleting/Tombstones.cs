using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;

namespace Sidecar.Routing.Deleting;

/// <summary>
/// The deletions that this pod was asked for or told of, in memory and as one file each. They are kept for
/// <c>Peers:TombstoneRetention</c> even when all known peers were told: a pod that is down may be missing from the
/// records altogether, and nobody knows then that it exists.
/// </summary>
internal sealed class Tombstones
{
    private readonly ConcurrentDictionary<ImageId, Tombstone> _all = new();
    private readonly ConcurrentDictionary<ImageId, int> _heldBack = new();

    // In memory only, as the disk took no file: whoever asks for the same deletion again must not be told that it is durable.
    private readonly ConcurrentDictionary<ImageId, bool> _unwritten = new();

    // Two writers of one file would share its temporary file.
    private readonly Lock[] _locks = [.. Enumerable.Range(0, 16).Select(_ => new Lock())];
    private readonly StagingLayout _layout;
    private readonly TimeSpan _retention;
    private readonly ILogger _logger;

    /// <summary>Takes up what an earlier process left. What makes no sense is set aside.</summary>
    public Tombstones(
        StagingLayout layout, IOptions<PeersOptions> options, ForwardingMetrics metrics, ILogger<Tombstones> logger)
    {
        _layout = layout;
        _retention = options.Value.TombstoneRetention;
        _logger = logger;
        if (Directory.Exists(layout.Tombstones)) LoadAll();
        metrics.ObserveTombstones(() => _all.Count(entry => !entry.Value.Heard));
    }

    /// <summary>
    /// Those that this pod was asked for and a peer was not notified of, and that are not held back. Nor those of the future, which
    /// a clock that was set back leaves: told, they would take what was staged again since. They are told when their time has come.
    /// </summary>
    public IReadOnlyList<(ImageId Id, Tombstone Tombstone)> MissedBy(string peer, DateTimeOffset now) =>
    [
        .. _all.Where(entry => !entry.Value.Heard && !entry.Value.Told.Contains(peer) && !_heldBack.ContainsKey(entry.Key))
            .Where(entry => entry.Value.DeletedAt - now <= PeerClock.Tolerated)
            .Select(entry => (entry.Key, entry.Value)),
    ];

    /// <summary>
    /// Until the answer is disposed <see cref="MissedBy"/> leaves the image out, as its peers are being told at once: of
    /// two that tell a peer only the first hears that there was something to remove.
    /// </summary>
    public IDisposable HoldBack(ImageId id)
    {
        _heldBack.AddOrUpdate(id, 1, (_, count) => count + 1);
        return new Hold(this, id);
    }

    /// <summary>Durable when it returns. A newer deletion of the same image replaces the older one.</summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void Add(ImageId id, DateTimeOffset deletedAt)
    {
        lock (LockOf(id))
        {
            _all.TryGetValue(id, out var known);
            if (known is null || known.DeletedAt < deletedAt) Write(id, new Tombstone(deletedAt, []));
            else if (known.Heard || _unwritten.ContainsKey(id)) Write(id, known with { Heard = false });
        }
    }

    /// <summary>
    /// Remembers a deletion that another pod tells of. Durable when it returns. Where this pod was asked for an older one it
    /// tells of the newer one from then on: nobody knows whether the other pod comes back.
    /// </summary>
    /// <exception cref="IOException">The disk failed or is full; it is remembered as long as this process lives.</exception>
    public void Hear(ImageId id, DateTimeOffset deletedAt)
    {
        lock (LockOf(id))
        {
            _all.TryGetValue(id, out var known);
            if (known is null || known.DeletedAt < deletedAt) Write(id, new Tombstone(deletedAt, [], known?.Heard ?? true));
            else if (_unwritten.ContainsKey(id)) Write(id, known);
        }
    }

    /// <summary>Whether an image that was committed at a time was deleted since.</summary>
    public bool Covers(ImageId id, DateTimeOffset committedAt) =>
        _all.TryGetValue(id, out var tombstone) && committedAt <= tombstone.DeletedAt;

    /// <summary>Notes who has heard of it, unless it was replaced by a newer deletion meanwhile.</summary>
    public void Told(ImageId id, DateTimeOffset deletedAt, IReadOnlyCollection<string> peers)
    {
        lock (LockOf(id))
        {
            if (!_all.TryGetValue(id, out var known) || known.DeletedAt != deletedAt) return;
            var told = known.Told.Union(peers).Order(StringComparer.Ordinal).ToList();
            if (told.Count > known.Told.Count) Write(id, known with { Told = told });
        }
    }

    /// <summary>Removes those that are older than the retention.</summary>
    /// <returns>How many.</returns>
    public int Sweep(DateTimeOffset now)
    {
        var removed = 0;
        foreach (var (id, tombstone) in _all)
        {
            if (now - tombstone.DeletedAt <= _retention) continue; // no sum: the time on disk may be any
            lock (LockOf(id))
            {
                if (!_all.Contains(new(id, tombstone))) continue;
                DurableFiles.Delete(_layout.Tombstone(id)); // what cannot be removed is tried again in the next round
                _all.TryRemove(id, out _);
                _unwritten.TryRemove(id, out _);
                removed++;
            }
        }

        return removed;
    }

    private void LoadAll() =>
        Parallel.ForEach(RecordFile.List(_layout.Tombstones), Load);

    private void LetGo(ImageId id)
    {
        if (_heldBack.AddOrUpdate(id, 0, (_, count) => count - 1) == 0) _heldBack.TryRemove(new(id, 0));
    }

    private void Load(string file)
    {
        try
        {
            var tombstone = RecordFile.Read(file, TombstoneJson.Default.Tombstone, Flaw);
            if (!ImageId.TryParse(Path.GetFileName(file), out var id)) throw new InvalidDataException("its name is no image id");
            _all[id] = tombstone;
        }
        catch (InvalidDataException damaged)
        {
            DamagedRecords.SetAside(_layout, _logger, file, "tombstone-" + Path.GetFileName(file), damaged.Message);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordUnreadable(_logger, file, failure.Message);
        }
    }

    private static string? Flaw(Tombstone tombstone) =>
        tombstone.Told.Contains(null) ? "it names a peer that is null" : null;

    // In memory first: where the disk fails it is still told for a while.
    private void Write(ImageId id, Tombstone tombstone)
    {
        _all[id] = tombstone;
        _unwritten[id] = true;
        DurableFiles.CreateDirectory(_layout.Tombstones);
        DurableFiles.Replace(
            _layout.Tombstone(id), JsonSerializer.SerializeToUtf8Bytes(tombstone, TombstoneJson.Default.Tombstone));
        _unwritten.TryRemove(id, out _);
    }

    private Lock LockOf(ImageId id) => _locks[(uint)id.GetHashCode() % _locks.Length];

    private sealed class Hold(Tombstones tombstones, ImageId id) : IDisposable
    {
        public void Dispose() => tombstones.LetGo(id);
    }
}
