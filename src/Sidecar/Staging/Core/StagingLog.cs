namespace Sidecar.Staging.Core;

/// <summary>Every log line of the staging slice. Event ids 2000-2999, never reused.</summary>
internal static partial class StagingLog
{
    [LoggerMessage(2000, LogLevel.Information, "Upload of {ImageId} begins at {Offset}, declared size {DeclaredSize}")]
    public static partial void UploadBegins(ILogger logger, ImageId imageId, long offset, long? declaredSize);

    [LoggerMessage(2001, LogLevel.Information, "Image {ImageId} is staged: {Bytes} bytes, crc32c {Crc32C}")]
    public static partial void ImageStaged(ILogger logger, ImageId imageId, long bytes, string crc32C);

    [LoggerMessage(2002, LogLevel.Information, "Upload of {ImageId} is suspended at {Offset}")]
    public static partial void UploadSuspended(ILogger logger, ImageId imageId, long offset);

    [LoggerMessage(2003, LogLevel.Error, "Upload of {ImageId} is dead at {Offset}: the disk failed")]
    public static partial void UploadFailed(ILogger logger, ImageId imageId, long offset, Exception failure);

    [LoggerMessage(2004, LogLevel.Information, "Upload of {ImageId} is aborted, {Bytes} bytes freed")]
    public static partial void UploadAborted(ILogger logger, ImageId imageId, long bytes);

    [LoggerMessage(2005, LogLevel.Information, "Image {ImageId} is deleted, {Bytes} bytes freed")]
    public static partial void ImageDeleted(ILogger logger, ImageId imageId, long bytes);

    [LoggerMessage(2006, LogLevel.Information, "Upload of {ImageId} is refused: {Reason}")]
    public static partial void UploadRefused(ILogger logger, ImageId imageId, StagingError reason);

    [LoggerMessage(2007, LogLevel.Information, "Upload of {ImageId} is removed: nobody continued it since {LastActive}")]
    public static partial void UploadExpired(ILogger logger, ImageId imageId, DateTimeOffset lastActive);

    [LoggerMessage(2008, LogLevel.Information, "Image {ImageId} is removed, as another pod has it now: {Bytes} bytes freed")]
    public static partial void ImageMoved(ILogger logger, ImageId imageId, long bytes);

    [LoggerMessage(2009, LogLevel.Information, "Image {ImageId} is refused by its content at {Offset}")]
    public static partial void ContentRefused(ILogger logger, ImageId imageId, long offset);

    [LoggerMessage(2014, LogLevel.Information, "{Path}, which others wrote, is removed with its image, {Bytes} bytes freed")]
    public static partial void ForeignRemoved(ILogger logger, string path, long bytes);

    [LoggerMessage(2015, LogLevel.Warning, "{Path}, which others wrote, cannot be removed with its image: {Failure}")]
    public static partial void ForeignKept(ILogger logger, string path, string failure);

    [LoggerMessage(2010, LogLevel.Information,
        "Staging directory {Directory} is ready: {Images} images, {Uploads} unfinished uploads, {RolledBack} rolled "
        + "back, {Unmanaged} files of others, in {Milliseconds} ms")]
    public static partial void Recovered(
        ILogger logger, string directory, int images, int uploads, int rolledBack, long unmanaged, long milliseconds);

    [LoggerMessage(2011, LogLevel.Error,
        "Image {ImageId} is lost: its record says {ExpectedBytes} bytes, its file has {ActualBytes}")]
    public static partial void ImageLost(ILogger logger, ImageId imageId, long expectedBytes, long actualBytes);

    [LoggerMessage(2012, LogLevel.Warning, "{Path} cannot be understood and is removed: {Reason}")]
    public static partial void LeftoverRemoved(ILogger logger, string path, string reason);

    [LoggerMessage(2017, LogLevel.Warning, "{Path} cannot be understood and is set aside as {Aside}: {Reason}")]
    public static partial void RecordSetAside(ILogger logger, string path, string aside, string reason);

    [LoggerMessage(2018, LogLevel.Error, "{Path} cannot be used ({Reason}) and stays where it is: {Failure}")]
    public static partial void RecordKept(ILogger logger, string path, string reason, string failure);

    [LoggerMessage(2019, LogLevel.Error, "{Path} cannot be read and is left out until the next start: {Failure}")]
    public static partial void RecordUnreadable(ILogger logger, string path, string failure);

    [LoggerMessage(2016, LogLevel.Error, "What is left of an upload of image {ImageId} stays on the volume: {Failure}")]
    public static partial void UploadKept(ILogger logger, ImageId imageId, string failure);

    [LoggerMessage(2013, LogLevel.Error, "Upload of {ImageId} is lost: {Failure}")]
    public static partial void UploadLost(ILogger logger, ImageId imageId, string failure);

    [LoggerMessage(2020, LogLevel.Error, "What a failed commit of image {ImageId} left cannot be removed: {Failure}")]
    public static partial void CommitNotUndone(ILogger logger, ImageId imageId, string failure);

    [LoggerMessage(2021, LogLevel.Error, "{Path}, which was staged as image {ImageId}, stays as well: {Failure}")]
    public static partial void AdoptedKept(ILogger logger, string path, ImageId imageId, string failure);
}
