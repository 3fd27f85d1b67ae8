namespace Sidecar.Stores;

/// <summary>Every log line of the slice. Event ids 6000-6999, never reused.</summary>
internal static partial class StoresLog
{
    [LoggerMessage(6000, LogLevel.Information, "Image {ImageId} was written to store {Store} ({Bytes} bytes).")]
    public static partial void Written(ILogger logger, string imageId, string store, long bytes);

    [LoggerMessage(6001, LogLevel.Warning, "Image {ImageId} was not written to store {Store}: {Reason}: {Message} {Detail}")]
    public static partial void Failed(ILogger logger, string imageId, string store, string reason, string message, string detail);

    [LoggerMessage(
        6002, LogLevel.Warning,
        "Attempt {Attempt} to write image {ImageId} to store {Store} failed and is made again: {Detail}")]
    public static partial void Again(ILogger logger, int attempt, string imageId, string store, string detail);

    [LoggerMessage(6003, LogLevel.Debug, "Writer {ProcessId}: {Text}")]
    public static partial void WriterSaid(ILogger logger, int processId, string text);

    [LoggerMessage(6004, LogLevel.Information, "What was written of image {ImageId} to store {Store} was discarded.")]
    public static partial void Discarded(ILogger logger, string imageId, string store);

    [LoggerMessage(
        6005, LogLevel.Warning,
        "A write of image {ImageId} to store {Store} was cut off by the end of an earlier process. What is there of it is removed by the "
        + "next import of the image, or when that is gone.")]
    public static partial void CutOff(ILogger logger, string imageId, string store);

    [LoggerMessage(
        6006, LogLevel.Warning,
        "What was cut off of image {ImageId} in store {Store} cannot be removed now, and is tried again: {Detail}")]
    public static partial void NotDiscarded(ILogger logger, string imageId, string store, string detail);
}
