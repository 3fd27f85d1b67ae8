using Grpc.Core;
using Sidecar.Downloads.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Stores.Core;

namespace Sidecar.Rpc.Statuses;

/// <summary>
/// What a handler may end with that is no refusal: a disk that failed where nobody expected it, a process out of
/// resources, a bug. It is total: every failure gets a status with a reason, so that no client has to guess from a text.
/// </summary>
internal static class FaultMap
{
    private static readonly TimeSpan RetryHint = TimeSpan.FromSeconds(1);

    /// <summary>Whether this is something that only a programmer can mend.</summary>
    public static bool IsBug(Exception failure) => !DiskFault.Is(failure)
        && failure is not (OutOfMemoryException or RpcException or StagingException or ImportException or PeerException or StoreException or DownloadException);

    /// <summary>Never fails, and answers the same exception when it is a status already.</summary>
    public static RpcException ToRpc(Exception failure) => failure switch
    {
        RpcException told => told,
        StagingException refusal => StatusMap.ToRpc(refusal),
        ImportException refusal => StatusMap.ToRpc(refusal),
        PeerException refusal => StatusMap.ToRpc(refusal),
        StoreException refusal => StatusMap.ToRpc(refusal),
        DownloadException refusal => StatusMap.ToRpc(refusal),
        _ when DiskFault.IsFull(failure) => StatusMap.ToRpc(new StagingException(
            StagingError.NoSpace, "The volume is full. Try again later, or release staged images.", failure,
            DiskFault.FullFacts)),
        _ when failure is OutOfMemoryException || DiskFault.IsOutOfDescriptors(failure) => StatusMap.ToRpc(Overloaded(
            "The sidecar has no memory or no file descriptors left for this. Try again when less is going on.", failure)),
        _ when DiskFault.Is(failure) => StatusMap.ToRpc(new StagingException(
            StagingError.DiskFailed,
            $"The disk failed: {DiskFault.Explain(failure)}. The sidecar's log says where: check the volume.", failure)),
        _ => StatusMap.ToRpc(new ImportException(
            ImportError.InternalError, "The call failed because of a bug in the sidecar; its log has the details.", failure)),
    };

    /// <summary>More at once than this pod has room for.</summary>
    public static StagingException Overloaded(
        string message, Exception? inner = null, params (string Name, object? Value)[] facts) => new(
        StagingError.Overloaded, message, inner, [.. facts, ("retry_after_seconds", (long)RetryHint.TotalSeconds)]);
}
