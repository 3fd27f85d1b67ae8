using Sidecar.Staging;

namespace Sidecar.Peers;

/// <summary>Of forwarded calls, deletions and duplicates. Event ids 4100-4199, never reused.</summary>
internal static partial class PeersLog
{
    [LoggerMessage(4100, LogLevel.Information,
        "{Method} of {Subject} was forwarded to {Owner}: {Result} after {Milliseconds} ms, request {RequestId}")]
    public static partial void Forwarded(
        ILogger logger, string method, string subject, string owner, string result, long milliseconds, string requestId);

    [LoggerMessage(4101, LogLevel.Information,
        "{Method} of {Subject} lost its connection to {Owner} and tries again for {Seconds:0.#} s: {Failure}")]
    public static partial void Reattaching(
        ILogger logger, string method, string subject, string owner, double seconds, string failure);

    [LoggerMessage(4102, LogLevel.Information, "{Method} of {Subject} goes on at {Owner}")]
    public static partial void Reattached(ILogger logger, string method, string subject, string owner);

    [LoggerMessage(4111, LogLevel.Information, "Deletion of {ImageId} waits for {Peers}, which did not answer")]
    public static partial void DeletionPending(ILogger logger, ImageId imageId, string peers);

    [LoggerMessage(4112, LogLevel.Information, "Peer {Peer} was told of {Deletions} deletions that it had missed")]
    public static partial void DeletionsTold(ILogger logger, string peer, int deletions);

    [LoggerMessage(4113, LogLevel.Error, "The tombstone of {ImageId} cannot be written: {Failure}")]
    public static partial void TombstoneUnwritable(ILogger logger, ImageId imageId, string failure);

    [LoggerMessage(4120, LogLevel.Information,
        "Image {ImageId} is newer on {Owner}: the copy here is given up after {Delay} (Peers:DuplicateDelay)")]
    public static partial void DuplicateFound(ILogger logger, ImageId imageId, string owner, TimeSpan delay);

    [LoggerMessage(4121, LogLevel.Information, "The older copy of {ImageId} is removed: {Owner} has the newer one")]
    public static partial void DuplicateRemoved(ILogger logger, ImageId imageId, string owner);

    [LoggerMessage(4122, LogLevel.Information, "The copy of {ImageId} stays: {Reason}")]
    public static partial void DuplicateKept(ILogger logger, ImageId imageId, string reason);
}
