using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Images;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;

namespace Sidecar.Staging;

// How an upload begins, or goes on.
internal sealed partial class StagingArea
{
    /// <summary>Promises space for an image that somebody is about to send or to write. Dispose it to end that.</summary>
    /// <exception cref="StagingException">NoSpace, Draining.</exception>
    public HeldReservation Reserve(ImageId id, long bytes, string projectId)
    {
        try
        {
            return _draining ? throw HeldReservations.Draining() : Reservations.Hold(id, bytes, projectId);
        }
        catch (StagingException refusal)
        {
            NoteRefusal(id, refusal);
            throw;
        }
    }

    /// <summary>
    /// Starts an upload, or with <paramref name="resumeOffset"/> continues one. Fences every earlier writer of the
    /// image. Without it an unfinished upload of the image is discarded.
    /// </summary>
    /// <exception cref="StagingException">
    /// AlreadyStaged, NoSpace, Draining, InvalidRequest, ReservationNotFound; on a resume also UploadNotFound,
    /// OffsetMismatch, DiskFailed.
    /// </exception>
    public async Task<UploadWriter> BeginUploadAsync(
        UploadHeader header, long? resumeOffset, CancellationToken cancellationToken)
    {
        var id = header.ImageId;
        try
        {
            CheckAdmission(header);
            var imageLock = await _locks.EnterAsWriterAsync(id, cancellationToken);
            try
            {
                CheckAdmission(header);
                return await BeginInsideAsync(header, resumeOffset, imageLock, cancellationToken);
            }
            catch (Exception failure)
            {
                imageLock.Dispose();
                if (DiskFault.Is(failure) && !DiskFault.IsOutOfDescriptors(failure)) throw CannotBegin(id, failure);
                throw;
            }
        }
        catch (StagingException refusal)
        {
            NoteRefusal(id, refusal);
            throw;
        }
    }

    private async Task<UploadWriter> BeginInsideAsync(
        UploadHeader header, long? resumeOffset, ImageLock imageLock, CancellationToken cancellationToken)
    {
        if (resumeOffset is not { } offset) return await Task.Run(() => Start(header, imageLock), cancellationToken);
        // It may read all that is there.
        return await imageLock.RunAsync(
            wanted => Task.Run(() => Resume(header, offset, imageLock, wanted), wanted), cancellationToken);
    }

    private void NoteRefusal(ImageId id, StagingException refusal)
    {
        _context.Metrics.Refused(refusal.Error);
        StagingLog.UploadRefused(_context.Log, id, refusal.Error);
    }

    private void CheckAdmission(UploadHeader header)
    {
        CheckAdmission(header.ImageId, header.ReservationId);
        ThrowIfStaged(header.ImageId);
        if (header.DeclaredSize is { } size && (size < 0 || size > _context.Options.MaxImageBytes))
        {
            throw new StagingException(
                StagingError.InvalidRequest,
                $"The declared size is {size}; allowed: 0 to {_context.Options.MaxImageBytes} (Staging:MaxImageBytes).");
        }
    }

    // Whoever holds space was taken before the drain began.
    private void CheckAdmission(ImageId id, string reservationId)
    {
        if (Reservations.IsHeld(reservationId, id)) return;
        if (_draining) throw ImageLocks.TakenOver(id, StagingError.Draining);
        if (reservationId.Length > 0) throw HeldReservations.NotFound(id);
    }

    private UploadWriter Start(UploadHeader header, ImageLock imageLock)
    {
        if (File.Exists(Layout.ImageFile(header.ImageId))) throw UploadCommit.UnmanagedFile(header.ImageId);
        // Reserved first: an upload that has no room must not cost the one that is there, whose space it may count on.
        var reclaimable = _uploads.TryGetValue(header.ImageId, out var before) ? before.DataBytes() : 0;
        var reservation = header.ReservationId.Length > 0
            ? Reservations.TakeOver(header.ReservationId, header.ImageId, header.DeclaredSize, reclaimable)
            : Space.ReserveForUpload(header.DeclaredSize ?? 0, reclaimable);
        return Open(header, () => Replace(header), imageLock, reservation);
    }

    private Upload Replace(UploadHeader header)
    {
        RemoveUpload(header.ImageId);
        return Upload.Create(header, Layout.UploadDirectory(header.ImageId));
    }

    private UploadWriter Resume(UploadHeader header, long offset, ImageLock imageLock, CancellationToken cancellationToken)
    {
        var upload = FindUpload(header.ImageId);
        var snapshot = upload.Snapshot();
        if (snapshot.State == UploadState.Failed) throw upload.Dead();
        if (snapshot.ReceivedOffset != offset) throw upload.OffsetMismatch();

        if (header.DeclaredSize is { } size && upload.Header.DeclaredSize is { } before && size != before)
        {
            throw new StagingException(
                StagingError.InvalidRequest,
                $"The upload began with a declared size of {before}, and now {size} is declared. Leave the size out, "
                + "or start over without a resume offset.");
        }

        upload.CheckRecovered(cancellationToken);
        var claim = header.DiskFormat.Length > 0 ? header.Claim : upload.Header.Claim;
        var effective = upload.Header with
        {
            DeclaredSize = upload.Header.DeclaredSize ?? header.DeclaredSize,
            DiskFormat = claim.DiskFormat,
            ContainerFormat = claim.ContainerFormat,
            ToleratedChecks = claim.ToleratedChecks,
            ExpectedDigests = Merge(upload.Header.ExpectedDigests, header.ExpectedDigests),
            Digests = header.Digests ?? upload.Header.Digests,
        };
        var missing = effective.DeclaredSize is { } whole ? Math.Max(0, whole - offset) : (long?)null;
        // It was admitted once: the watermark does not stop it, only a lack of space does.
        var reservation = header.ReservationId.Length > 0
            ? Reservations.TakeOver(header.ReservationId, header.ImageId, missing, 0)
            : Space.Reserve(missing ?? 0);
        _context.Metrics.Resumed();
        return Open(effective, () => upload, imageLock, reservation);
    }

    private UploadWriter Open(UploadHeader header, Func<Upload> prepare, ImageLock imageLock, Reservation reservation)
    {
        try
        {
            var upload = prepare();
            var writer = new UploadWriter(
                upload, header, imageLock, reservation, _commit, _context, () => TryRemoveUpload(header.ImageId));
            _uploads[writer.ImageId] = upload;
            StagingLog.UploadBegins(_context.Log, writer.ImageId, writer.ReceivedOffset, header.DeclaredSize);
            return writer;
        }
        catch
        {
            reservation.Dispose();
            throw;
        }
    }

    // Its header and journal need a little room as well, which a volume that others filled may not have.
    private static StagingException CannotBegin(ImageId id, Exception failure) =>
        DiskFault.IsFull(failure)
            ? new StagingException(
                StagingError.NoSpace,
                $"The volume is full: there is no room to begin the upload of image {id}. Try again when there is.",
                failure,
                DiskFault.FullFacts)
            : new StagingException(
                StagingError.DiskFailed,
                $"The upload of image {id} cannot begin: {DiskFault.Explain(failure)}. The sidecar's log says where: check the volume.",
                failure);

    private static SortedDictionary<string, string> Merge(
        IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> now)
    {
        var merged = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, hex) in before.Concat(now)) merged[name] = hex;
        return merged;
    }
}
