using Sidecar.Staging.Core;

namespace Sidecar.Routing.Core;

/// <summary>
/// Log lines of forwarded calls, deletions and duplicates (event ids 4100-4199) and of outputs fetched from their owners
/// (4200-4209). An id is never reused.
/// </summary>
internal static partial class RoutingLog
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

    [LoggerMessage(4112, LogLevel.Information, "Peer {Peer} was notified of {Deletions} deletions that it had missed")]
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

    [LoggerMessage(4200, LogLevel.Information,
        "Output of import {ImportId} is fetched from {Peer}: at {Offset} of {Bytes} bytes")]
    public static partial void OutputTransferBegins(ILogger logger, Guid importId, string peer, long offset, long bytes);

    [LoggerMessage(4201, LogLevel.Warning, "Output of import {ImportId} broke off from {Peer} at {Offset}: {Failure}")]
    public static partial void OutputTransferBroke(
        ILogger logger, Guid importId, string peer, long offset, string failure);

    [LoggerMessage(4207, LogLevel.Information, "Output of import {ImportId} waits for {Peer}: {Refusal}")]
    public static partial void OutputTransferWaits(ILogger logger, Guid importId, string peer, string refusal);

    [LoggerMessage(4202, LogLevel.Information, "Output of import {ImportId} is here from {Peer}: {Bytes} bytes")]
    public static partial void OutputFetched(ILogger logger, Guid importId, string peer, long bytes);

    [LoggerMessage(4203, LogLevel.Warning, "Output of import {ImportId} could not be fetched from {Peer}: {Failure}")]
    public static partial void OutputTransferFailed(ILogger logger, Guid importId, string peer, string failure);

    [LoggerMessage(4204, LogLevel.Information, "Output of import {ImportId} is removed, {Bytes} bytes freed")]
    public static partial void OutputRemoved(ILogger logger, Guid importId, long bytes);

    [LoggerMessage(4205, LogLevel.Warning, "{Path} is no whole record of a fetched output and is removed")]
    public static partial void OutputUnreadable(ILogger logger, string path);

    [LoggerMessage(4206, LogLevel.Warning, "Files of the transfer of import {ImportId}'s output cannot be removed: {Failure}")]
    public static partial void OutputNotTidied(ILogger logger, Guid importId, string failure);
}
