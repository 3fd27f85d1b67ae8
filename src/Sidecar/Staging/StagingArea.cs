using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Sidecar.Staging;

/// <summary>What a delete removed.</summary>
internal readonly record struct DeleteOutcome(bool Existed, long FreedBytes);

/// <summary>
/// The staging directory that this pod's sidecar owns, and the life of what is in it.
/// <para>
/// An <em>upload</em> begins with <see cref="BeginUploadAsync"/>, grows by appends, and is suspended when its writer
/// goes; it survives the process. Its commit makes it a <em>staged image</em>: complete, durable, immutable, at
/// <c>&lt;directory&gt;/&lt;image id&gt;</c>. A file that somebody else wrote becomes one through
/// <see cref="AdoptAsync"/>. Delete ends both. Per image one caller at a time changes anything; the newest wins.
/// </para>
/// </summary>
internal sealed class StagingArea : IDisposable
{
    private readonly StagingContext _context;
    private readonly ImageGates _gates = new();
    private readonly ConcurrentDictionary<ImageId, Upload> _uploads = new();
    private readonly ImageCatalog _catalog;
    private readonly UploadCommit _commit;
    private readonly FileAdoption _adoption;
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
        _adoption = new FileAdoption(context, space, _commit);
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

    public bool Draining => _draining;

    public int ImageCount => _catalog.Count;

    public long ImageBytes => _catalog.Bytes;

    public int ActiveUploads => _uploads.Values.Count(upload => upload.Snapshot().State == UploadState.Receiving);

    /// <summary>
    /// Starts an upload, or with <paramref name="resumeOffset"/> continues one. Fences every earlier writer of the
    /// image. Without it an unfinished upload of the image is discarded.
    /// </summary>
    /// <exception cref="StagingException">
    /// AlreadyStaged, NoSpace, Draining, InvalidRequest; on a resume also UploadNotFound, OffsetMismatch, DiskFailed.
    /// </exception>
    public async Task<UploadWriter> BeginUploadAsync(
        UploadHeader header, long? resumeOffset, CancellationToken cancellationToken)
    {
        var id = header.ImageId;
        try
        {
            CheckAdmission(header);
            var pass = await _gates.EnterAsWriterAsync(id, cancellationToken);
            try
            {
                CheckAdmission(header);
                return resumeOffset is { } offset
                    ? await Task.Run(() => Resume(header, offset, pass, cancellationToken), cancellationToken)
                    : await Task.Run(() => Start(header, pass), cancellationToken);
            }
            catch
            {
                pass.Dispose();
                throw;
            }
        }
        catch (StagingException refusal)
        {
            _context.Metrics.Refused(refusal.Error);
            StagingLog.UploadRefused(_context.Log, id, refusal.Error);
            throw;
        }
    }

    /// <exception cref="StagingException">UploadNotFound.</exception>
    public UploadSnapshot GetUpload(ImageId id) => FindUpload(id).Snapshot();

    public IEnumerable<UploadSnapshot> ListUploads() =>
        _uploads.Values.Select(upload => upload.Snapshot()).OrderBy(upload => upload.Header.StartedAt);

    /// <summary>Ends the writer, if there is one, and removes the upload. False when there was none.</summary>
    public async Task<bool> AbortUploadAsync(ImageId id, CancellationToken cancellationToken)
    {
        if (!_uploads.ContainsKey(id)) return false;
        using var pass = await _gates.EnterAsync(id, StagingError.UploadAborted, cancellationToken);
        return RemoveUpload(id) is not null;
    }

    /// <exception cref="StagingException">ImageNotFound.</exception>
    public StagedImage GetImage(ImageId id) =>
        _catalog.TryGet(id, out var image)
            ? image
            : throw new StagingException(StagingError.ImageNotFound, $"Image {id} is not staged on this pod.");

    public bool TryGetImage(ImageId id, [NotNullWhen(true)] out StagedImage? image) => _catalog.TryGet(id, out image);

    public IReadOnlyList<StagedImage> ListImages() => _catalog.List();

    /// <summary>
    /// Removes what a hand-over has brought here of an image that found another owner. Its call may still be open: nobody
    /// tells the receiver of a connection that is cut. What a client uploads stays, and so does what the owner itself is
    /// handing over.
    /// </summary>
    public async Task RemoveHandOverPartAsync(ImageId id, string owner, CancellationToken cancellationToken)
    {
        if (!IsHandOverOfAnother(id, owner)) return;
        using var pass = await _gates.EnterAsync(id, StagingError.UploadAborted, cancellationToken);
        if (IsHandOverOfAnother(id, owner)) RemoveUpload(id);
    }

    /// <summary>Removes the staged image and an unfinished upload of it, whoever is writing.</summary>
    public Task<DeleteOutcome> DeleteImageAsync(ImageId id, CancellationToken cancellationToken) =>
        DeleteImageAsync(id, DateTimeOffset.MaxValue, cancellationToken);

    /// <summary>
    /// As above, but leaves alone what is newer: an image that was committed, and an upload that began, after
    /// <paramref name="limit"/>. A deletion may be told long after it was asked for.
    /// </summary>
    public async Task<DeleteOutcome> DeleteImageAsync(
        ImageId id, DateTimeOffset limit, CancellationToken cancellationToken)
    {
        // Before entering, which would end a newer upload's writer.
        if (FindImage(id, limit) is null && !HasUpload(id, limit) && limit != DateTimeOffset.MaxValue) return default;
        using var pass = await _gates.EnterAsync(id, StagingError.UploadAborted, cancellationToken);
        var upload = HasUpload(id, limit) ? RemoveUpload(id) : null;
        if (FindImage(id, limit) is not { } image) return new DeleteOutcome(upload is not null, upload ?? 0);
        var freed = await Task.Run(() => _catalog.Remove(image), CancellationToken.None);
        _context.Metrics.ImageDeleted();
        StagingLog.ImageDeleted(_context.Log, id, freed);
        return new DeleteOutcome(true, freed + (upload ?? 0));
    }

    /// <summary>Takes over a file that is on the volume already; see <see cref="FileAdoption"/>.</summary>
    /// <exception cref="StagingException">
    /// AdoptRefused, AlreadyStaged, LengthMismatch, DigestMismatch, NoSpace, Draining, InvalidRequest.
    /// </exception>
    public async Task<StagedImage> AdoptAsync(AdoptRequest request, CancellationToken cancellationToken)
    {
        if (_draining) throw ImageGates.TakenOver(request.ImageId, StagingError.Draining);
        var file = _adoption.Check(request);
        using var pass = await _gates.EnterAsWriterAsync(request.ImageId, cancellationToken);
        ThrowIfStaged(request.ImageId);
        var image = await Task.Run(() => _adoption.Run(request, file, cancellationToken), cancellationToken);
        RemoveUpload(request.ImageId);
        return image;
    }

    /// <summary>Files of others in the staging directory, looked up now.</summary>
    public UnmanagedFiles CountUnmanaged() => UnmanagedFiles.Count(Layout, id => _catalog.TryGet(id, out _));

    /// <summary>Removes uploads that nobody continued within the retention.</summary>
    /// <returns>How many.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var removed = 0;
        if (_context.Options.UploadRetention == TimeSpan.Zero) return removed;
        var limit = _context.Clock.GetUtcNow() - _context.Options.UploadRetention;
        foreach (var upload in _uploads.Values)
        {
            if (!Expired(upload.Snapshot())) continue;
            var id = upload.Header.ImageId;
            using var pass = await _gates.EnterAsync(id, StagingError.UploadAborted, cancellationToken);
            if (!_uploads.TryGetValue(id, out var current) || !Expired(current.Snapshot())) continue;
            StagingLog.UploadExpired(_context.Log, id, current.Snapshot().LastActiveAt);
            RemoveUpload(id);
            removed++;
        }

        return removed;

        bool Expired(UploadSnapshot upload) =>
            upload.State != UploadState.Receiving && upload.LastActiveAt < limit;
    }

    /// <summary>
    /// Removes an image that another pod has now, unless it is not the same commit any more: somebody deleted it
    /// meanwhile, which answers false.
    /// </summary>
    public async Task<bool> RemoveMovedAsync(StagedImage image, CancellationToken cancellationToken)
    {
        using var pass = await _gates.EnterAsync(image.Id, StagingError.UploadAborted, cancellationToken);
        if (!IsStaged(image)) return false;
        var freed = await Task.Run(() => _catalog.Remove(image), CancellationToken.None);
        StagingLog.ImageMoved(_context.Log, image.Id, freed);
        return true;
    }

    /// <summary>Whether this very commit is here still.</summary>
    public bool IsStaged(StagedImage image) =>
        _catalog.TryGet(image.Id, out var current) && current.CommittedAt == image.CommittedAt;

    /// <summary>Refuses new uploads from now on; the running ones may go on, and commit.</summary>
    public void RefuseNew() => _draining = true;

    /// <summary>Refuses new uploads from now on and ends the running ones; they keep their offset.</summary>
    public void Drain()
    {
        RefuseNew();
        _gates.RevokeAll(StagingError.Draining);
    }

    public void Dispose() => _lock.Dispose();

    private void CheckAdmission(UploadHeader header)
    {
        if (_draining) throw ImageGates.TakenOver(header.ImageId, StagingError.Draining);
        ThrowIfStaged(header.ImageId);
        if (header.DeclaredSize is { } size && (size < 0 || size > _context.Options.MaxImageBytes))
        {
            throw new StagingException(
                StagingError.InvalidRequest,
                $"The declared size is {size}; allowed: 0 to {_context.Options.MaxImageBytes} (Staging:MaxImageBytes).");
        }
    }

    private void ThrowIfStaged(ImageId id)
    {
        if (_catalog.TryGet(id, out _))
        {
            throw new StagingException(
                StagingError.AlreadyStaged, $"Image {id} is staged already; delete it before staging it anew.");
        }
    }

    private UploadWriter Start(UploadHeader header, GatePass pass)
    {
        if (File.Exists(Layout.ImageFile(header.ImageId))) throw UploadCommit.UnmanagedFile(header.ImageId);
        RemoveUpload(header.ImageId);
        var reservation = Space.ReserveForUpload(header.DeclaredSize ?? 0);
        return Open(header, () => Upload.Create(header, Layout.UploadDirectory(header.ImageId)), pass, reservation);
    }

    private UploadWriter Resume(UploadHeader header, long offset, GatePass pass, CancellationToken cancellationToken)
    {
        var upload = FindUpload(header.ImageId);
        var snapshot = upload.Snapshot();
        if (snapshot.State == UploadState.Failed) throw upload.Dead();
        if (snapshot.ReceivedOffset != offset)
        {
            throw new StagingException(
                StagingError.OffsetMismatch,
                $"The upload of image {header.ImageId} is at {snapshot.ReceivedOffset}, not {offset}: resume there.",
                ("offset", snapshot.ReceivedOffset));
        }

        if (header.DeclaredSize is { } size && upload.Header.DeclaredSize is { } before && size != before)
        {
            throw new StagingException(
                StagingError.InvalidRequest,
                $"The upload began with a declared size of {before}, and now {size} is declared. Leave the size out, "
                + "or start anew without a resume offset.");
        }

        upload.CheckRecovered(cancellationToken);
        var effective = upload.Header with
        {
            DeclaredSize = upload.Header.DeclaredSize ?? header.DeclaredSize,
            ExpectedDigests = Merge(upload.Header.ExpectedDigests, header.ExpectedDigests),
        };
        // It was admitted once: the watermark does not stop it, only a lack of space does.
        var reservation = Space.Reserve(Math.Max(0, (effective.DeclaredSize ?? 0) - offset));
        _context.Metrics.Resumed();
        return Open(effective, () => upload, pass, reservation);
    }

    private UploadWriter Open(UploadHeader header, Func<Upload> prepare, GatePass pass, Reservation reservation)
    {
        try
        {
            var upload = prepare();
            var writer = new UploadWriter(upload, header, pass, reservation, _commit, _context);
            _uploads[writer.ImageId] = upload;
            StagingLog.UploadBegins(_context.Log, writer.ImageId, writer.ReceivedOffset, header.DeclaredSize);
            return writer;
        }
        catch (IOException failure)
        {
            reservation.Dispose();
            throw CannotBegin(header.ImageId, failure);
        }
        catch
        {
            reservation.Dispose();
            throw;
        }
    }

    // Its header and journal need a little room as well, which a volume that others filled may not have.
    private static StagingException CannotBegin(ImageId id, IOException failure) =>
        failure.HResult is Posix.Enospc or Posix.Edquot
            ? new StagingException(
                StagingError.NoSpace,
                $"The volume is full: there is no room to begin the upload of image {id}. Try again when there is.",
                failure,
                ("retry_after_seconds", (long)SpaceLedger.RetryHint.TotalSeconds))
            : new StagingException(
                StagingError.DiskFailed,
                $"The upload of image {id} cannot begin: the disk failed ({failure.Message}). Check the volume.",
                failure);

    private static SortedDictionary<string, string> Merge(
        IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> now)
    {
        var merged = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, hex) in before.Concat(now)) merged[name] = hex;
        return merged;
    }

    private bool IsHandOverOfAnother(ImageId id, string owner) => _uploads.TryGetValue(id, out var upload)
        && upload.Header.HandedOverBy is { Length: > 0 } source && source != owner;

    private StagedImage? FindImage(ImageId id, DateTimeOffset limit) =>
        _catalog.TryGet(id, out var image) && (image.FirstCommittedAt ?? image.CommittedAt) <= limit
            ? image : null;

    private bool HasUpload(ImageId id, DateTimeOffset limit) =>
        _uploads.TryGetValue(id, out var upload)
        && (upload.Header.FirstCommittedAt ?? upload.Header.StartedAt) <= limit;

    private Upload FindUpload(ImageId id) =>
        _uploads.TryGetValue(id, out var upload)
            ? upload
            : throw new StagingException(
                StagingError.UploadNotFound, $"There is no unfinished upload of image {id} on this pod.");

    // Null when there was none. The caller holds the image's gate.
    private long? RemoveUpload(ImageId id)
    {
        if (!_uploads.TryRemove(id, out var upload)) return null;
        var freed = Directory.Exists(upload.Directory) ? upload.Remove() : 0;
        _context.Metrics.Aborted();
        StagingLog.UploadAborted(_context.Log, id, freed);
        return freed;
    }
}
