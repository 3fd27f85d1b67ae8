using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Transfer;
using Sidecar.Routing.Deleting;
using Sidecar.Rpc.Limits;
using Sidecar.Rpc.Messages;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Uploads;

namespace Sidecar.Rpc.Uploads;

/// <summary>
/// One Stage call: header, chunks, finish. Three things can end it early, and each has another answer: the caller
/// goes (CANCELLED), the caller goes silent (DEADLINE_EXCEEDED), or the upload is wanted by somebody else (ABORTED,
/// UNAVAILABLE). In all of them the upload keeps its offset. One whose content is refused is discarded.
/// </summary>
internal sealed class StageCall(
    StagingArea area, StagingContext staging, TransferMetrics metrics, UploadAdmission admission, PeerDirectory directory,
    Tombstones deletions)
{
    public async Task<Glance.Sidecar.V1.StagedImage> RunAsync(
        IAsyncStreamReader<StageFrame> frames, CancellationToken callerGone)
    {
        using var place = admission.Enter();
        using var idle = new CancellationTokenSource(staging.Options.IdleTimeout, staging.Clock);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(callerGone, idle.Token);
        var header = await ReadHeaderAsync(frames, idle, waiting.Token);
        idle.CancelAfter(Timeout.InfiniteTimeSpan); // a wait for the earlier writer, or for a check, is ours
        var upload = ToHeader(header);
        RefuseDeleted(upload);
        await using var writer = await area.BeginUploadAsync(
            upload,
            header.HasResumeOffset ? StagingMessages.ToLength(header.ResumeOffset) : null,
            callerGone);
        // Again, as a deletion may have looked for this upload just before it was there; it was noted before it looked.
        RefuseDeleted(upload);
        Action<long>? received = header.HandedOverBy.Length > 0 ? metrics.HandOverReceived : null;
        using var stalls = new UploadStalls(staging.Metrics);
        try
        {
            var finish = await ReceiveAsync(frames, writer, idle, received, stalls, callerGone);
            var image = await writer.CommitAsync(
                new CommitRequest(StagingMessages.ToLength(finish.TotalSize), DigestAlgorithms.Validate(finish.ExpectedDigests)),
                callerGone);
            stalls.MarkCommit();
            // Somebody is told that it is there, and may ask another pod for it at once.
            await directory.KnownToPeers.WaitAsync(callerGone);
            return image.ToMessage(staging);
        }
        catch (StagingException refusal)
        {
            staging.Metrics.CountCorruption(refusal);
            throw;
        }
    }

    private async Task<StageHeader> ReadHeaderAsync(
        IAsyncStreamReader<StageFrame> frames, CancellationTokenSource idle, CancellationToken waiting)
    {
        try
        {
            if (await frames.MoveNext(waiting) && frames.Current.Header is { } header) return header;
        }
        catch (OperationCanceledException) when (idle.IsCancellationRequested)
        {
            throw WentSilent(0);
        }

        throw new StagingException(
            StagingError.InvalidRequest, "The first message of a Stage call must be its header, with the image id.");
    }

    private UploadHeader ToHeader(StageHeader header)
    {
        var claim = StagingMessages.ToClaim(header.DiskFormat, header.ContainerFormat, header.ToleratedChecks);
        return new UploadHeader(
            ImageId.Parse(header.ImageId),
            header.HasDeclaredSize ? StagingMessages.ToLength(header.DeclaredSize) : null,
            DigestAlgorithms.Validate(header.ExpectedDigests),
            header.ProjectId,
            staging.Clock.GetUtcNow(),
            BootId.Current,
            header.HandedOverBy,
            FirstCommittedAt(header),
            claim.DiskFormat,
            claim.ContainerFormat,
            StagingMessages.ToWishes(header.Digests),
            claim.ToleratedChecks)
        {
            ReservationId = header.ReservationId,
        };
    }

    // By the clock of the pod that hands it over. The latest that it may have been, as an older one may fall to a deletion.
    private DateTimeOffset? FirstCommittedAt(StageHeader header)
    {
        if (RequestTime.Read(header.FirstCommittedAt, "first_committed_at") is not { } told) return null;
        return RequestTime.Past(directory.Find(header.HandedOverBy)?.State.Clock.Latest(told) ?? told, staging.Clock);
    }

    // A pod that was away hands over what it has, perhaps before it is told that this was deleted meanwhile.
    private void RefuseDeleted(UploadHeader upload)
    {
        if (upload.FirstCommittedAt is not { } committedAt || !deletions.Covers(upload.ImageId, committedAt)) return;
        throw new StagingException(
            StagingError.UploadAborted,
            $"Image {upload.ImageId} was deleted after it had been committed on {upload.HandedOverBy}: it is not taken over from there.");
    }

    private async Task<StageFinish> ReceiveAsync(
        IAsyncStreamReader<StageFrame> frames, UploadWriter writer, CancellationTokenSource idle,
        Action<long>? received, UploadStalls stalls, CancellationToken callerGone)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(callerGone, idle.Token, writer.Revoked);
        try
        {
            idle.CancelAfter(staging.Options.IdleTimeout);
            while (await frames.MoveNext(waiting.Token))
            {
                idle.CancelAfter(staging.Options.IdleTimeout);
                stalls.MarkClientWait();
                var frame = frames.Current;
                if (frame.Finish is { } finish) return finish;
                if (!frame.IsChunk) throw UnexpectedPart(frame);
                Append(writer, frame);
                stalls.MarkDiskWait();
                received?.Invoke(frame.Data.Length);
                await KeepPaceAsync(writer, idle, stalls, waiting.Token);
            }
        }
        catch (OperationCanceledException) when (!callerGone.IsCancellationRequested)
        {
            writer.ThrowIfRevoked();
            throw WentSilent(writer.ReceivedOffset);
        }

        writer.ThrowIfRevoked();
        throw new StagingException(
            StagingError.Unfinished,
            $"The stream ended without a finish at offset {writer.ReceivedOffset}; nothing was committed. Resume there.",
            ("offset", writer.ReceivedOffset));
    }

    private async ValueTask KeepPaceAsync(
        UploadWriter writer, CancellationTokenSource idle, UploadStalls stalls, CancellationToken waiting)
    {
        var pace = writer.KeepPaceAsync(waiting);
        if (pace.IsCompleted)
        {
            await pace;
            return;
        }

        idle.CancelAfter(Timeout.InfiniteTimeSpan); // this wait is ours
        await pace;
        idle.CancelAfter(staging.Options.IdleTimeout);
        stalls.MarkDigestWait();
    }

    private static void Append(UploadWriter writer, StageFrame frame)
    {
        if (frame.Zeros == 0)
        {
            writer.Append(frame.Data, frame.Offset, frame.Crc32C);
            return;
        }

        if (!frame.Data.IsEmpty || frame.Crc32C is not (null or Crc32C.Empty))
        {
            throw new StagingException(
                StagingError.InvalidRequest, "A chunk has either data, with its crc32c, or a number of zeros.");
        }

        writer.AppendZeros(frame.Zeros, frame.Offset);
    }

    private static StagingException UnexpectedPart(StageFrame frame) => new(
        StagingError.InvalidRequest,
        frame.Header is null
            ? "A message of the Stage call has none of header, chunk and finish."
            : "The header may come once only, as the first message of the call.");

    private StagingException WentSilent(long offset) => new(
        StagingError.IdleTimeout,
        $"Nothing was received for {staging.Options.IdleTimeout} (Staging:IdleTimeout). The upload is kept at offset "
        + $"{offset}: resume it there.",
        ("offset", offset));
}
