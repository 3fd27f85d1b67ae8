using Sidecar.Peers.Transfer;
using Sidecar.Staging;

namespace Sidecar.Peers;

/// <summary>Of transfers between pods, and of draining. Event ids 4200-4299, never reused.</summary>
internal static partial class PeersLog
{
    [LoggerMessage(4200, LogLevel.Information,
        "Output of import {ImportId} is brought from {Peer}: at {Offset} of {Bytes} bytes")]
    public static partial void OutputTransferBegins(ILogger logger, Guid importId, string peer, long offset, long bytes);

    [LoggerMessage(4201, LogLevel.Warning, "Output of import {ImportId} broke off from {Peer} at {Offset}: {Failure}")]
    public static partial void OutputTransferBroke(
        ILogger logger, Guid importId, string peer, long offset, string failure);

    [LoggerMessage(4202, LogLevel.Information, "Output of import {ImportId} is here from {Peer}: {Bytes} bytes")]
    public static partial void OutputBrought(ILogger logger, Guid importId, string peer, long bytes);

    [LoggerMessage(4203, LogLevel.Warning, "Output of import {ImportId} could not be brought from {Peer}: {Failure}")]
    public static partial void OutputTransferFailed(ILogger logger, Guid importId, string peer, string failure);

    [LoggerMessage(4204, LogLevel.Information, "Output of import {ImportId} is removed, {Bytes} bytes freed")]
    public static partial void OutputRemoved(ILogger logger, Guid importId, long bytes);

    [LoggerMessage(4205, LogLevel.Warning, "{Path} is no whole record of a brought output and is removed")]
    public static partial void OutputUnreadable(ILogger logger, string path);

    [LoggerMessage(4206, LogLevel.Warning, "Files of the transfer of import {ImportId}'s output cannot be removed: {Failure}")]
    public static partial void OutputNotTidied(ILogger logger, Guid importId, string failure);

    [LoggerMessage(4210, LogLevel.Information,
        "The pod drains, with a grace of {Grace}: {Images} images, {Uploads} uploads, {Imports} imports")]
    public static partial void DrainBegins(ILogger logger, TimeSpan grace, int images, int uploads, int imports);

    [LoggerMessage(4211, LogLevel.Information, "The pod is drained; {Left} things are left")]
    public static partial void DrainDone(ILogger logger, int left);

    [LoggerMessage(4212, LogLevel.Error, "The drain failed; what was not handed over stays here")]
    public static partial void DrainFailed(ILogger logger, Exception failure);

    [LoggerMessage(4213, LogLevel.Information, "Image {ImageId} goes to {Peer}: at {Offset} of {Bytes} bytes")]
    public static partial void HandOverBegins(ILogger logger, ImageId imageId, string peer, long offset, long bytes);

    [LoggerMessage(4214, LogLevel.Warning, "Image {ImageId} broke off on its way to {Peer}: {Failure}")]
    public static partial void HandOverBroke(ILogger logger, ImageId imageId, string peer, string failure);

    [LoggerMessage(4215, LogLevel.Information, "Image {ImageId} is {Result}: {Peer} {Reason}")]
    public static partial void HandedOver(
        ILogger logger, ImageId imageId, HandOverResult result, string peer, string reason);

    [LoggerMessage(4216, LogLevel.Error, "Image {ImageId} cannot be read to be handed over")]
    public static partial void HandOverFailed(ILogger logger, ImageId imageId, Exception failure);

    [LoggerMessage(4217, LogLevel.Warning,
        "Image {ImageId} was deleted while {Peer} took it over, which could not be told: {Failure}")]
    public static partial void DeletedImageStays(ILogger logger, ImageId imageId, string peer, string failure);

    [LoggerMessage(4218, LogLevel.Information, "{Peer} could not be told that this pod leaves: {Failure}")]
    public static partial void LeaveNotTold(ILogger logger, string peer, string failure);
}
