using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Images;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;

namespace Sidecar.Staging;

/// <summary>
/// The staging directory that this pod's sidecar owns, and the life of what is in it.
/// <para>
/// An <em>upload</em> begins with <see cref="BeginUploadAsync"/>, grows by appends, and is suspended when its writer
/// goes; it survives the process. Its commit makes it a <em>staged image</em>: complete, durable, immutable, at
/// <c>&lt;directory&gt;/&lt;image id&gt;</c>. A file that somebody else wrote becomes one through
/// <see cref="AdoptAsync"/>. Delete ends both. Space may be promised to either beforehand. Per image
/// one caller at a time changes anything; the newest wins.
/// </para>
/// </summary>
internal sealed partial class StagingArea : IDisposable
{
    private readonly StagingContext _context;
    private readonly ImageLocks _locks = new();
    private readonly ConcurrentDictionary<ImageId, Upload> _uploads = new();
    private readonly ImageCatalog _catalog;
    private readonly UploadCommit _commit;
    private readonly FileAdoption _adoption;
    private readonly ForeignFiles _foreign;
    private readonly IDisposable _lock;
    private volatile bool _draining;

    /// <summary>Opens the directory, creates it when missing, and takes up what an earlier process left.</summary>
    /// <exception cref="StagingStartException">
    /// Another daemon owns it, its layout is newer, or it cannot be written.
    /// </exception>
    public StagingArea(StagingContext context, SpaceLedger space)
    {
        _context = context;
        Space = space;
        _catalog = new ImageCatalog(context.Layout);
        _commit = new UploadCommit(context, _catalog, id => _uploads.TryRemove(id, out _));
        Reservations = new HeldReservations(context, space);
        _foreign = new ForeignFiles(context);
        _adoption = new FileAdoption(context, space, Reservations, _commit);
        _lock = DirectoryLock.Take(context.Layout);
        var recovery = new RecoveryScan(context, _catalog).Run();
        foreach (var upload in recovery.Uploads) _uploads[upload.Header.ImageId] = upload;
    }

    /// <summary>An image was committed; told on the thread that committed it.</summary>
    public event Action<StagedImage>? Committed
    {
        add => _commit.Published += value;
        remove => _commit.Published -= value;
    }

    public StagingLayout Layout => _context.Layout;

    public SpaceLedger Space { get; }

    /// <summary>Space that callers hold for images. Taken through <see cref="Reserve"/>.</summary>
    public HeldReservations Reservations { get; }

    public bool Draining => _draining;

    public int ImageCount => _catalog.Count;

    public long ImageBytes => _catalog.Bytes;

    /// <summary>The staged image with the oldest commit; null without images.</summary>
    public StagedImage? OldestImage => _catalog.Oldest;

    /// <summary>Images that are being received, and those for which somebody holds space.</summary>
    public int ActiveUploads => _uploads.Values.Where(upload => upload.Snapshot().State == UploadState.Receiving)
        .Select(upload => upload.Header.ImageId).Union(Reservations.Images).Count();

    /// <exception cref="StagingException">UploadNotFound.</exception>
    public UploadSnapshot GetUpload(ImageId id) => TryGetUpload(id) ?? throw UploadNotFound(id);

    /// <summary>The unfinished upload of an image, including a reservation without data; null when there is none.</summary>
    public UploadSnapshot? TryGetUpload(ImageId id)
    {
        var reserved = Reservations.Find(id);
        if (!_uploads.TryGetValue(id, out var upload)) return reserved;
        var found = upload.Snapshot();
        return reserved is null || found.State == UploadState.Receiving
            ? found : found with { State = UploadState.Reserved, LastActiveAt = reserved.LastActiveAt };
    }

    public IEnumerable<UploadSnapshot> ListUploads() =>
        _uploads.Keys.Union(Reservations.Images).Select(TryGetUpload).OfType<UploadSnapshot>()
            .OrderBy(upload => upload.Header.StartedAt);

    /// <summary>Ends the writer, if there is one, and removes the upload. False when there was none.</summary>
    public async Task<bool> AbortUploadAsync(ImageId id, CancellationToken cancellationToken)
    {
        if (!_uploads.ContainsKey(id)) return false;
        using var imageLock = await _locks.EnterAsync(id, StagingError.UploadAborted, cancellationToken);
        return RemoveUpload(id) is not null;
    }

    /// <exception cref="StagingException">ImageNotFound.</exception>
    public StagedImage GetImage(ImageId id) =>
        _catalog.TryGet(id, out var image)
            ? image
            : throw new StagingException(StagingError.ImageNotFound, $"Image {id} is not staged on this pod.");

    public bool TryGetImage(ImageId id, [NotNullWhen(true)] out StagedImage? image) => _catalog.TryGet(id, out image);

    /// <summary>All of them, oldest commit first.</summary>
    public IReadOnlyList<StagedImage> ListImages() => _catalog.List();

    /// <summary>The first few of <see cref="ListImages"/>, at a cost that does not depend on how many there are.</summary>
    public IReadOnlyList<StagedImage> ListOldestImages(int most) => _catalog.ListOldest(most);

    /// <summary>
    /// Removes what a hand-over has brought here of an image that found another owner. Its call may still be open: nobody
    /// tells the receiver of a connection that is cut. What a client uploads stays, and so does what the owner itself is
    /// handing over.
    /// </summary>
    public async Task RemoveHandOverPartAsync(ImageId id, string owner, CancellationToken cancellationToken)
    {
        if (!IsHandOverOfAnother(id, owner)) return;
        using var imageLock = await _locks.EnterAsync(id, StagingError.UploadAborted, cancellationToken);
        if (IsHandOverOfAnother(id, owner)) RemoveUpload(id);
    }

    /// <summary>Takes over a file that is on the volume already; see <see cref="FileAdoption"/>.</summary>
    /// <exception cref="StagingException">
    /// AdoptRefused, AlreadyStaged, LengthMismatch, DigestMismatch, NoSpace, Draining, InvalidRequest,
    /// ReservationNotFound; UploadTakenOver, UploadAborted when somebody else wanted the image meanwhile.
    /// </exception>
    public async Task<StagedImage> AdoptAsync(AdoptRequest request, CancellationToken cancellationToken)
    {
        CheckAdmission(request.ImageId, request.ReservationId);
        var file = _adoption.Check(request);
        using var imageLock = await _locks.EnterAsWriterAsync(request.ImageId, cancellationToken);
        CheckAdmission(request.ImageId, request.ReservationId); // a drain may have begun while it waited
        ThrowIfStaged(request.ImageId);
        // It reads all of the file.
        var image = await imageLock.RunAsync(
            wanted => Task.Run(() => _adoption.RunAsync(request, file, wanted), wanted), cancellationToken);
        TryRemoveUpload(request.ImageId); // the image is staged, whatever becomes of what it replaces
        Reservations.GiveBack(request.ReservationId);
        return image;
    }

    /// <summary>Files of others in the staging directory, looked up now.</summary>
    public UnmanagedFiles CountUnmanaged() => UnmanagedFiles.Count(Layout, id => _catalog.TryGet(id, out _));

    /// <summary>Removes uploads that nobody continued within the retention.</summary>
    /// <returns>How many.</returns>
    public Task<int> SweepAsync(CancellationToken cancellationToken) => Task.Run(Sweep, cancellationToken);

    /// <summary>
    /// Removes an image that another pod has now, unless it is not the same commit any more: somebody deleted it
    /// meanwhile, which answers false.
    /// </summary>
    public async Task<bool> RemoveMovedAsync(StagedImage image, CancellationToken cancellationToken)
    {
        using var imageLock = await _locks.EnterAsync(image.Id, StagingError.UploadAborted, cancellationToken);
        if (!IsStaged(image)) return false;
        var freed = await Task.Run(() => _catalog.Remove(image), CancellationToken.None);
        StagingLog.ImageMoved(_context.Log, image.Id, freed);
        return true;
    }

    /// <summary>Whether this very commit is here still.</summary>
    public bool IsStaged(StagedImage image) =>
        _catalog.TryGet(image.Id, out var current) && current.CommittedAt == image.CommittedAt;

    /// <summary>
    /// Refuses new uploads from now on; the running ones may go on, and commit, and so may those that space is held for.
    /// </summary>
    public void RefuseNew() => _draining = true;

    /// <summary>Refuses new uploads from now on and ends the running ones; they keep their offset.</summary>
    public void Drain()
    {
        RefuseNew();
        Reservations.RevokeAll();
        _locks.RevokeAll(StagingError.Draining);
    }

    public void Dispose() => _lock.Dispose();

    private int Sweep()
    {
        var removed = 0;
        if (_context.Options.UploadRetention == TimeSpan.Zero) return removed;
        var limit = _context.Clock.GetUtcNow() - _context.Options.UploadRetention;
        foreach (var upload in _uploads.Values)
        {
            if (!Expired(upload.Snapshot())) continue;
            var id = upload.Header.ImageId;
            // Whoever is inside has just continued it: to fence him, and then keep what he left, would be no sweep.
            if (!_locks.TryEnter(id, out var entered)) continue;
            using var imageLock = entered;
            if (!_uploads.TryGetValue(id, out var current) || !Expired(current.Snapshot())) continue;
            StagingLog.UploadExpired(_context.Log, id, current.Snapshot().LastActiveAt);
            if (TryRemoveUpload(id)) removed++;
        }

        return removed;

        bool Expired(UploadSnapshot upload) =>
            upload.State != UploadState.Receiving && upload.LastActiveAt < limit;
    }

    private void ThrowIfStaged(ImageId id)
    {
        if (_catalog.TryGet(id, out _))
        {
            throw new StagingException(
                StagingError.AlreadyStaged, $"Image {id} is staged already; delete it before staging it again.");
        }
    }

    private bool IsHandOverOfAnother(ImageId id, string owner) => _uploads.TryGetValue(id, out var upload)
        && upload.Header.HandedOverBy is { Length: > 0 } source && source != owner;

    private Upload FindUpload(ImageId id) =>
        _uploads.TryGetValue(id, out var upload) ? upload : throw UploadNotFound(id);

    private static StagingException UploadNotFound(ImageId id) =>
        new(StagingError.UploadNotFound, $"There is no unfinished upload of image {id} on this pod.");

    // Null when there was none. The caller holds the image's lock. It is listed until it is gone: what is left of one that
    // could not be removed must not be forgotten, or the next upload of the image would find it.
    private long? RemoveUpload(ImageId id)
    {
        if (!_uploads.TryGetValue(id, out var upload)) return null;
        var freed = upload.Remove();
        _uploads.TryRemove(id, out _);
        _context.Metrics.Aborted();
        StagingLog.UploadAborted(_context.Log, id, freed);
        return freed;
    }

    // False when something is left of it: it is tried again at the next sweep.
    private bool TryRemoveUpload(ImageId id)
    {
        try
        {
            return RemoveUpload(id) is not null;
        }
        catch (StagingException kept) when (kept.Error == StagingError.DiskFailed)
        {
            StagingLog.UploadKept(_context.Log, id, kept.Detail);
            return false;
        }
    }
}
