using System.Buffers;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Hashing;
using Sidecar.Staging.Images;
using Sidecar.Staging.Space;

namespace Sidecar.Staging.Uploads;

/// <summary>
/// One call's right to append to an upload. Appends are written at once; dispose without a commit suspends the upload at its
/// received offset. Not for concurrent use: one call, one writer.
/// </summary>
internal sealed class UploadWriter : IAsyncDisposable
{
    private readonly Upload _upload;
    private readonly UploadHeader _header;
    private readonly ImageLock _imageLock;
    private readonly Reservation _reservation;
    private readonly UploadCommit _commit;
    private readonly StagingContext _context;
    private readonly UploadFiles _files;
    private readonly DurabilityPump _pump;
    private readonly UploadDigests _digests;
    private readonly BlockWriter _blocks;
    private readonly UploadValidator _validator;
    private readonly Action _discard;
    private bool _committed;
    private bool _abandoned;

    /// <summary>Opens the upload's files. The writer owns the lock and the reservation from here on.</summary>
    /// <param name="header">What holds now: what the upload began with, and what this call adds.</param>
    /// <param name="discard">Removes the upload; called when its content was refused.</param>
    public UploadWriter(
        Upload upload, UploadHeader header, ImageLock imageLock, Reservation reservation, UploadCommit commit,
        StagingContext context, Action discard)
    {
        _upload = upload;
        _header = header;
        _imageLock = imageLock;
        _reservation = reservation;
        _commit = commit;
        _context = context;
        _discard = discard;
        _files = UploadFiles.Open(upload, context.Options.DurableIntervalBytes);
        _blocks = new BlockWriter(_files.Data);
        _validator = new UploadValidator(context.Validate, header.Claim, _files.Data);
        _digests = new UploadDigests(
            _files.Data, () => upload.Received.Offset, received => context.Foresee(header.Claim, header.Digests, _files.Data, received));
        _digests.Add(context.Options.Digests.Union(header.ExpectedDigests.Keys));
        _pump = new DurabilityPump(_files, upload, context);
        upload.Begin(context.Clock.GetUtcNow());
    }

    public ImageId ImageId => _header.ImageId;

    public long ReceivedOffset => _upload.Received.Offset;

    /// <summary>Cancelled when a newer call, an abort, a delete or the end of the process wants this one to end.</summary>
    public CancellationToken Revoked => _imageLock.Revoked;

    /// <exception cref="StagingException">The reason, once <see cref="Revoked"/> is cancelled.</exception>
    public void ThrowIfRevoked() => _imageLock.ThrowIfRevoked();

    /// <summary>Writes a chunk. The bytes are the caller's again when it returns.</summary>
    /// <param name="offset">Where the sender says that the chunk belongs.</param>
    /// <param name="crc32C">What the sender says of the chunk; checked before it is written.</param>
    /// <exception cref="StagingException">
    /// OffsetMismatch, ChunkCorrupt, LengthMismatch, NoSpace: nothing was written, the upload goes on at its offset.
    /// DiskFailed: it is dead. A refusal of <see cref="ValidateImage"/>: it is discarded. UploadTakenOver, UploadAborted,
    /// Draining: this writer's time is over.
    /// </exception>
    public void Append(ReadOnlySequence<byte> data, long? offset, uint? crc32C)
    {
        _imageLock.ThrowIfRevoked();
        if (_pump.Failure is not null) throw _upload.Dead();
        var received = _upload.Received;
        UploadChecks.Offset(offset, received.Offset);
        UploadChecks.Length(_header, received.Offset + data.Length, _context.Options);
        UploadChecks.Chunk(data, crc32C, received.Offset);
        EnsureReserved(data.Length);
        var crc = Write(data, received, crc32C);
        _reservation.Consume(data.Length);
        _context.Metrics.Received(data.Length);
        Advance(new ReceivedPoint(received.Offset + data.Length, crc));
    }

    /// <summary>
    /// Appends zeros as a hole: the file grows and nothing is written. A hole takes no space, now or later, as nothing
    /// is ever written into it; so what a declared size had reserved for it is given back, and an upload without one
    /// reserves nothing for it.
    /// </summary>
    /// <exception cref="StagingException">As <see cref="Append"/>; InvalidRequest for more than a file can hold.</exception>
    public void AppendZeros(long count, long? offset)
    {
        _imageLock.ThrowIfRevoked();
        if (_pump.Failure is not null) throw _upload.Dead();
        var received = _upload.Received;
        UploadChecks.Offset(offset, received.Offset);
        var after = count <= long.MaxValue - received.Offset ? received.Offset + count : long.MaxValue;
        UploadChecks.Length(_header, after, _context.Options);
        Extend(after);
        if (_header.DeclaredSize is not null) _reservation.Consume(count);
        Advance(new ReceivedPoint(after, Crc32C.AppendZeros(received.Crc32C, count)));
    }

    /// <summary>
    /// Waits while the digests are so far behind that what was appended last would have to be read from the disk for them. To be
    /// called after what was appended; without it nothing is wrong but the time that they take.
    /// </summary>
    public ValueTask KeepPaceAsync(CancellationToken cancellationToken) => _digests.KeepPaceAsync(cancellationToken);

    /// <summary>Makes the upload a staged image; see <see cref="UploadCommit"/>.</summary>
    /// <exception cref="StagingException">
    /// LengthMismatch, DigestMismatch: not committed, the upload stays. DiskFailed: it is dead. A refusal of
    /// <see cref="ValidateImage"/>: it is discarded.
    /// </exception>
    public async Task<StagedImage> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        _imageLock.ThrowIfRevoked();
        UploadChecks.Complete(_header, request, ReceivedOffset);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await Task.Run(() => _validator.Complete(ReceivedOffset), CancellationToken.None);
            await SyncAsync();
            var digests = await DigestsAsync(request, cancellationToken);
            _imageLock.ThrowIfRevoked();
            // The point of no return: from here on the caller's wish to cancel comes too late.
            var image = await Task.Run(() => _commit.Run(_upload, digests), CancellationToken.None);
            _committed = true;
            _context.Metrics.Durable(ReceivedOffset - _files.File.Durable.Offset); // the rest has no point in the journal
            return image;
        }
        catch (IOException failure) when (
            failure.HResult is Posix.Enospc or Posix.Edquot && _pump.Failure is null)
        {
            throw NoSpace(failure); // for the record; the data is safe
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Dead(failure);
        }
    }

    /// <summary>Nobody will go on with it: its disposal discards the upload, unless it was committed.</summary>
    public void Abandon() => _abandoned = true;

    /// <summary>Suspends the upload unless it was committed, refused or abandoned, and lets the next one in.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _pump.StopAsync();
            await _digests.DisposeAsync();
            if (_validator.HasRefused) await Task.Run(Discard);
            else if (_abandoned && !_committed) await Task.Run(_discard);
            else if (!_committed) await Task.Run(Suspend);
        }
        finally
        {
            await CloseAsync();
        }
    }

    // However it ended: a lock that is kept would stop every later call for the image.
    private async Task CloseAsync()
    {
        try
        {
            _files.Dispose();
            if (_committed) await Task.Run(RemoveRemains);
        }
        finally
        {
            _reservation.Dispose();
            _imageLock.Dispose();
        }
    }

    // Only now that its files are closed: some file systems (NFS, FUSE) keep the names of open ones, and no directory that has
    // them can be removed. The image is staged whatever becomes of it; the next start removes what is left.
    private void RemoveRemains()
    {
        try
        {
            _upload.Remove();
        }
        catch (StagingException kept)
        {
            StagingLog.UploadKept(_context.Log, ImageId, kept.Detail);
        }
    }

    private async Task SyncAsync()
    {
        await _pump.StopAsync();
        await Task.Run(_pump.SyncData, CancellationToken.None);
    }

    private void EnsureReserved(long bytes)
    {
        var missing = bytes - _reservation.RemainingBytes;
        if (missing > 0) _reservation.Grow(Math.Max(missing, _context.Options.ReservationStepBytes), missing);
    }

    // A chunk's own CRC was just found to be right: with it nothing has to be computed again, and what comes to harm between here
    // and the disk is noticed, too.
    private uint Write(ReadOnlySequence<byte> data, ReceivedPoint received, uint? crc32C)
    {
        try
        {
            if (crc32C is not { } known) return _blocks.Write(data, received.Offset, received.Crc32C);
            _blocks.Write(data, received.Offset);
            return Crc32C.Combine(received.Crc32C, known, data.Length);
        }
        catch (IOException failure) when (failure.HResult is Posix.Enospc or Posix.Edquot)
        {
            RandomAccess.SetLength(_files.Data, received.Offset);
            throw NoSpace(failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Dead(failure);
        }
    }

    private void Extend(long length)
    {
        try
        {
            RandomAccess.SetLength(_files.Data, length);
        }
        catch (Exception failure) when (
            failure is ArgumentOutOfRangeException or IOException { HResult: Posix.Efbig or Posix.Einval })
        {
            // The first is what .NET makes of EFBIG.
            throw new StagingException(
                StagingError.InvalidRequest, $"The volume's file system cannot hold a file of {length} bytes.", failure);
        }
        catch (IOException failure) when (failure.HResult is Posix.Enospc or Posix.Edquot)
        {
            throw NoSpace(failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Dead(failure);
        }
    }

    private void Advance(ReceivedPoint received)
    {
        _upload.Advance(received, _context.Clock.GetUtcNow());
        _files.Note.Write(received);
        _pump.Advance();
        Look(received.Offset);
    }

    private void Look(long received)
    {
        try
        {
            _digests.Advance(received);
            _validator.Grown(received);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Dead(failure);
        }
    }

    private async Task<IReadOnlyDictionary<string, string>> DigestsAsync(
        CommitRequest request, CancellationToken cancellationToken)
    {
        _digests.Add(request.ExpectedDigests.Keys);
        var actual = await _imageLock.RunAsync(_digests.FinishAsync, cancellationToken);
        foreach (var name in actual.Keys) _context.Metrics.Digested(name, ReceivedOffset);
        actual[Crc32C.Name] = Crc32C.ToHex(_upload.Received.Crc32C);
        UploadChecks.Digests(_header, request, actual);
        return actual;
    }

    private void Suspend()
    {
        if (_pump.Failure is not null) return;
        _upload.Suspend();
        _context.Metrics.Suspended();
        StagingLog.UploadSuspended(_context.Log, ImageId, ReceivedOffset);
        // Whoever takes over makes its own durable points, and one that is being removed needs none.
        if (_imageLock.RevokedFor is StagingError.UploadTakenOver or StagingError.UploadAborted) return;
        try
        {
            _pump.Checkpoint();
        }
        catch (IOException)
        {
            // The upload has failed; nobody is there to hear it.
        }
    }

    private void Discard()
    {
        StagingLog.ContentRefused(_context.Log, ImageId, ReceivedOffset);
        _discard();
    }

    private StagingException NoSpace(IOException failure) => new(
        StagingError.NoSpace,
        $"The volume filled up at offset {ReceivedOffset} of image {ImageId}. The upload keeps its offset: resume it "
        + "when there is space.",
        failure,
        ("offset", ReceivedOffset),
        (SpaceLedger.NeverFact, "false"),
        ("retry_after_seconds", (long)SpaceLedger.RetryHint.TotalSeconds));

    private StagingException Dead(Exception failure)
    {
        _pump.Fail(failure);
        return _upload.Dead();
    }
}
