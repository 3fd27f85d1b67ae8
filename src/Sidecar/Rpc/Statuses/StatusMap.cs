using Grpc.Core;
using Sidecar.Downloads.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Core;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;
using Sidecar.Telemetry;

namespace Sidecar.Rpc.Statuses;

/// <summary>
/// The one place where refusals become gRPC statuses. There is no default case: a reason that is added to an enum
/// does not compile until it has a status here.
/// </summary>
internal static class StatusMap
{
    public static StatusCode ToCode(StagingError error) => error switch
    {
        StagingError.InvalidImageId => StatusCode.InvalidArgument,
        StagingError.InvalidRequest => StatusCode.InvalidArgument,
        StagingError.UploadNotFound => StatusCode.NotFound,
        StagingError.ImageNotFound => StatusCode.NotFound,
        StagingError.AlreadyStaged => StatusCode.AlreadyExists,
        StagingError.OffsetMismatch => StatusCode.OutOfRange,
        StagingError.UploadTakenOver => StatusCode.Aborted,
        StagingError.UploadAborted => StatusCode.Aborted,
        StagingError.NoSpace => StatusCode.ResourceExhausted,
        StagingError.ReservationNotFound => StatusCode.NotFound,
        StagingError.LengthMismatch => StatusCode.FailedPrecondition,
        StagingError.Unfinished => StatusCode.FailedPrecondition,
        StagingError.DigestMismatch => StatusCode.FailedPrecondition,
        StagingError.ChunkCorrupt => StatusCode.DataLoss,
        StagingError.DiskFailed => StatusCode.DataLoss,
        StagingError.Draining => StatusCode.Unavailable,
        StagingError.IdleTimeout => StatusCode.DeadlineExceeded,
        StagingError.Overloaded => StatusCode.ResourceExhausted,
        StagingError.TicketUnknown => StatusCode.NotFound,
        StagingError.ImageTooLarge => StatusCode.FailedPrecondition,
        StagingError.AdoptRefused => StatusCode.PermissionDenied,
    };

    public static StatusCode ToCode(ImportError error) => error switch
    {
        ImportError.ImportNotFound => StatusCode.NotFound,
        ImportError.InvalidRequest => StatusCode.InvalidArgument,
        ImportError.UnknownStage => StatusCode.InvalidArgument,
        ImportError.RequestDiffers => StatusCode.AlreadyExists,
        ImportError.ImportRunning => StatusCode.FailedPrecondition,
        ImportError.Draining => StatusCode.Unavailable,
        ImportError.ImageGone => StatusCode.NotFound,
        ImportError.ImageRefused => StatusCode.FailedPrecondition,
        ImportError.FormatMismatch => StatusCode.FailedPrecondition,
        ImportError.UnsupportedFormat => StatusCode.FailedPrecondition,
        ImportError.CompressedDataCorrupt => StatusCode.FailedPrecondition,
        ImportError.CompressionUnsupported => StatusCode.FailedPrecondition,
        ImportError.OutputTooLarge => StatusCode.FailedPrecondition,
        ImportError.RatioExceeded => StatusCode.FailedPrecondition,
        ImportError.VirtualSizeTooLarge => StatusCode.FailedPrecondition,
        ImportError.SignatureMalformed => StatusCode.InvalidArgument,
        ImportError.SignatureUnsupported => StatusCode.InvalidArgument,
        ImportError.SignatureInvalid => StatusCode.FailedPrecondition,
        ImportError.CertificateRefused => StatusCode.FailedPrecondition,
        ImportError.NoSpace => StatusCode.ResourceExhausted,
        ImportError.DiskFailed => StatusCode.DataLoss,
        ImportError.ToolFailed => StatusCode.FailedPrecondition,
        ImportError.ToolTimedOut => StatusCode.FailedPrecondition,
        ImportError.ToolCpuLimit => StatusCode.FailedPrecondition,
        ImportError.ToolUnavailable => StatusCode.Aborted,
        ImportError.ToolMissing => StatusCode.Internal,
        ImportError.TimedOut => StatusCode.FailedPrecondition,
        ImportError.Cancelled => StatusCode.Cancelled,
        ImportError.ImportInterrupted => StatusCode.Unavailable,
        ImportError.SidecarKilled => StatusCode.Aborted,
        ImportError.OutputLost => StatusCode.DataLoss,
        ImportError.OutputDeferred => StatusCode.FailedPrecondition,
        ImportError.InternalError => StatusCode.Internal,
    };

    public static StatusCode ToCode(PeerError error) => error switch
    {
        PeerError.OwnerUnreachable => StatusCode.Unavailable,
        PeerError.LocateIncomplete => StatusCode.Unavailable,
        PeerError.OwnerLost => StatusCode.Unavailable,
        PeerError.ForwardLoop => StatusCode.FailedPrecondition,
        PeerError.NotForPeers => StatusCode.PermissionDenied,
        PeerError.TransferCorrupt => StatusCode.DataLoss,
    };

    public static StatusCode ToCode(StoreError error) => error switch
    {
        StoreError.InvalidRequest => StatusCode.InvalidArgument,
        StoreError.StoreSourceGone => StatusCode.NotFound,
        StoreError.StoreUnsupported => StatusCode.FailedPrecondition,
        StoreError.StoreDuplicate => StatusCode.AlreadyExists,
        StoreError.StoreDiffers => StatusCode.AlreadyExists,
        // Not UNAVAILABLE: the sidecar answers, and it is not the sidecar that is to be waited for.
        StoreError.StoreUnreachable => StatusCode.Aborted,
        StoreError.StoreFull => StatusCode.ResourceExhausted,
        StoreError.StoreDenied => StatusCode.PermissionDenied,
        StoreError.StoreDiscarded => StatusCode.Cancelled,
        StoreError.StoreFailed => StatusCode.FailedPrecondition,
        StoreError.StoreCorrupt => StatusCode.DataLoss,
    };

    public static StatusCode ToCode(DownloadError error) => error switch
    {
        DownloadError.UrlInvalid => StatusCode.InvalidArgument,
        DownloadError.UrlForbidden => StatusCode.PermissionDenied,
        // Not UNAVAILABLE: the sidecar answers, and it is not the sidecar that is to be waited for.
        DownloadError.SourceUnreachable => StatusCode.Aborted,
        DownloadError.SourceUntrusted => StatusCode.FailedPrecondition,
        DownloadError.SourceRefused => StatusCode.FailedPrecondition,
        DownloadError.SourceBroke => StatusCode.Aborted,
        DownloadError.SourceChanged => StatusCode.Aborted,
        DownloadError.SourceTooLarge => StatusCode.FailedPrecondition,
    };

    /// <summary>What RunImport ends with after the last event of an import that has no result.</summary>
    public static RpcException ToRpc(ImportFailure failure) => RpcErrors.Create(
        ToCode(failure.Error), failure.Error.Reason(), failure.Message, failure.Facts);

    public static RpcException ToRpc(StagingException refusal) => RpcErrors.Create(
        ToCode(refusal.Error), refusal.Error.Reason(), refusal.Message, refusal.Facts);

    public static RpcException ToRpc(ImportException refusal) => RpcErrors.Create(
        ToCode(refusal.Error), refusal.Error.Reason(), refusal.Message, refusal.Facts);

    public static RpcException ToRpc(StoreException refusal) => RpcErrors.Create(
        ToCode(refusal.Error), refusal.Error.Reason(), refusal.Message, refusal.Facts);

    public static RpcException ToRpc(DownloadException refusal) => RpcErrors.Create(
        ToCode(refusal.Error), refusal.Error.Reason(), refusal.Message, refusal.Facts);

    public static RpcException ToRpc(PeerException refusal) => RpcErrors.Create(
        ToCode(refusal.Error), refusal.Error.Reason(), refusal.Message, refusal.Facts);
}
