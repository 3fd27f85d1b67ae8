using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Import.Queue;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Space;

namespace Sidecar.Rpc.Messages;

/// <summary>Domain values of the staging slice as messages.</summary>
internal static class StagingMessages
{
    /// <summary>A size or offset from the wire. What does not fit is larger than any file, so the largest will do.</summary>
    public static long ToLength(ulong value) => (long)Math.Min(value, long.MaxValue);

    /// <exception cref="Import.Core.ImportException">InvalidRequest.</exception>
    public static ImageClaim ToClaim(string diskFormat, string containerFormat, IEnumerable<string> toleratedChecks)
    {
        var claim = new ImageClaim(diskFormat, containerFormat, [.. toleratedChecks]);
        RequestRules.CheckClaim(claim);
        return claim;
    }

    /// <summary>Null when there are none.</summary>
    /// <exception cref="StagingException"><see cref="StagingError.InvalidRequest"/>.</exception>
    public static Staging.Core.DigestWishes? ToWishes(Glance.Sidecar.V1.DigestWishes? message)
    {
        if (message is null) return null;
        var wishes = new Staging.Core.DigestWishes(
            [.. message.OfUpload], [.. message.OfOutput], message.DiskFormat, message.ContainerFormat);
        wishes.Check();
        return wishes;
    }

    public static Glance.Sidecar.V1.StagedImage ToMessage(this Staging.Core.StagedImage image, StagingContext staging) => new()
    {
        ImageId = image.Id.ToString(),
        Size = (ulong)image.Size,
        Digests = { image.Digests.ToDictionary() },
        ProjectId = image.ProjectId,
        Origin = image.Origin switch
        {
            ImageOrigin.Uploaded => Glance.Sidecar.V1.StagedImage.Types.Origin.Uploaded,
            ImageOrigin.Adopted => Glance.Sidecar.V1.StagedImage.Types.Origin.Adopted,
            ImageOrigin.HandedOver => Glance.Sidecar.V1.StagedImage.Types.Origin.HandedOver,
        },
        CommittedAt = image.CommittedAt.ToTimestamp(),
        Path = staging.Layout.ImageFile(image.Id),
        Owner = staging.Options.PodName,
    };

    public static Glance.Sidecar.V1.Upload ToMessage(this UploadSnapshot upload, StagingContext staging)
    {
        var message = new Glance.Sidecar.V1.Upload
        {
            ImageId = upload.Header.ImageId.ToString(),
            State = upload.State switch
            {
                UploadState.Receiving => Glance.Sidecar.V1.Upload.Types.State.Receiving,
                UploadState.Suspended => Glance.Sidecar.V1.Upload.Types.State.Suspended,
                UploadState.Failed => Glance.Sidecar.V1.Upload.Types.State.Failed,
                UploadState.Reserved => Glance.Sidecar.V1.Upload.Types.State.Reserved,
            },
            ReceivedOffset = (ulong)upload.ReceivedOffset,
            DurableOffset = (ulong)upload.DurableOffset,
            StartedAt = upload.Header.StartedAt.ToTimestamp(),
            LastActiveAt = upload.LastActiveAt.ToTimestamp(),
            ProjectId = upload.Header.ProjectId,
            Failure = upload.Failure,
            Owner = staging.Options.PodName,
        };
        if (upload.Header.DeclaredSize is { } size) message.DeclaredSize = (ulong)size;
        return message;
    }

    public static Glance.Sidecar.V1.Reservation ToMessage(this HeldReservation held) => new()
    {
        ReservationId = held.Id, RemainingBytes = (ulong)held.RemainingBytes,
    };

    /// <exception cref="IOException">The volume cannot be asked.</exception>
    public static Capacity ToCapacity(StagingArea area, UnmanagedFiles unmanaged)
    {
        var space = area.Space.Snapshot();
        var refusal = area.Draining ? "DRAINING" : space.LowSpace ? "LOW_SPACE" : "";
        return new Capacity
        {
            StagingDirectory = area.Layout.Directory,
            TotalBytes = (ulong)space.TotalBytes,
            FreeBytes = (ulong)space.FreeBytes,
            ReservedBytes = (ulong)space.ReservedBytes,
            AvailableBytes = (ulong)space.AvailableBytes,
            LowWatermarkBytes = (ulong)space.LowWatermarkBytes,
            HighWatermarkBytes = (ulong)space.HighWatermarkBytes,
            AcceptsUploads = refusal.Length == 0,
            Refusal = refusal,
            StagedImages = (ulong)area.ImageCount,
            StagedBytes = (ulong)area.ImageBytes,
            ActiveUploads = (ulong)area.ActiveUploads,
            UnmanagedFiles = (ulong)unmanaged.Files,
            UnmanagedBytes = (ulong)unmanaged.Bytes,
        };
    }
}
