using Sidecar.Staging.Core;

namespace Sidecar.Downloads.Core;

/// <summary>Every log line of the slice. Event ids 7000-7999, never reused. Of a URL only the host is named.</summary>
internal static partial class DownloadsLog
{
    [LoggerMessage(7000, LogLevel.Information, "Image {ImageId} is downloaded from {Host} from offset {Offset}, size {Size}")]
    public static partial void Begins(ILogger logger, ImageId imageId, string host, long offset, long? size);

    [LoggerMessage(7001, LogLevel.Information, "Image {ImageId} was downloaded: {Bytes} bytes")]
    public static partial void Done(ILogger logger, ImageId imageId, long bytes);

    [LoggerMessage(
        7002, LogLevel.Information,
        "The download of image {ImageId} is tried again at offset {Offset} in {Delay}: {Reason}: {Message}")]
    public static partial void Again(
        ILogger logger, ImageId imageId, long offset, TimeSpan delay, string reason, string message);

    [LoggerMessage(7003, LogLevel.Information, "The download of image {ImageId} begins anew: {Message}")]
    public static partial void FromStart(ILogger logger, ImageId imageId, string message);

    [LoggerMessage(7004, LogLevel.Information, "Image {ImageId} was not downloaded: {Reason}: {Message}")]
    public static partial void Failed(ILogger logger, ImageId imageId, string reason, string message);
}
