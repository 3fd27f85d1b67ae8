using Sidecar.Staging.Core;

namespace Sidecar.Draining;

/// <summary>Log lines of draining and of handing images over. Event ids 4210-4299, never reused.</summary>
internal static partial class DrainingLog
{
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
