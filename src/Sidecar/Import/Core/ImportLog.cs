using Sidecar.Staging.Core;

namespace Sidecar.Import.Core;

/// <summary>Everything that imports log. Texts from outside go through <see cref="Text.OneLine"/> first.</summary>
internal static partial class ImportLog
{
    /// <summary>An import that did not succeed.</summary>
    public const int ImportEndedEvent = 3002;

    [LoggerMessage(3000, LogLevel.Information,
        "Import {ImportId} of image {ImageId} started: {Stages} (request {RequestId})")]
    public static partial void ImportStarted(
        this ILogger logger, Guid importId, ImageId imageId, string stages, string requestId);

    [LoggerMessage(3001, LogLevel.Information,
        "Import {ImportId} of image {ImageId} succeeded in {Seconds:F1} s: {Format}, {Bytes} bytes")]
    public static partial void ImportSucceeded(
        this ILogger logger, Guid importId, ImageId imageId, double seconds, string format, long bytes);

    [LoggerMessage(ImportEndedEvent, LogLevel.Information,
        "Import {ImportId} of image {ImageId} ended as {State} in stage {Stage}: {Reason}: {Message}")]
    public static partial void ImportEnded(
        this ILogger logger, Guid importId, ImageId imageId, ImportState state, string stage, string reason,
        string message);

    [LoggerMessage(3003, LogLevel.Debug, "Import {ImportId}: stage {Stage} {State} after {Seconds:F2} s")]
    public static partial void StageEnded(
        this ILogger logger, Guid importId, string stage, StageState state, double seconds);

    [LoggerMessage(3004, LogLevel.Error, "Import {ImportId} failed unexpectedly")]
    public static partial void ImportBroke(this ILogger logger, Guid importId, Exception exception);

    [LoggerMessage(3005, LogLevel.Error, "The journal of import {ImportId} cannot be written: {Message}")]
    public static partial void JournalFailed(this ILogger logger, Guid importId, string message);

    [LoggerMessage(3006, LogLevel.Warning, "Work files of import {ImportId} cannot be removed: {Message}")]
    public static partial void CleanUpFailed(this ILogger logger, Guid importId, string message);

    [LoggerMessage(3007, LogLevel.Information,
        "Imports recovered: {Finished} finished, {Interrupted} interrupted, {Lost} without output, {Removed} removed")]
    public static partial void Recovered(
        this ILogger logger, int finished, int interrupted, int lost, int removed);

    [LoggerMessage(3008, LogLevel.Information, "Import {ImportId} released: {Bytes} bytes")]
    public static partial void Released(this ILogger logger, Guid importId, long bytes);

    [LoggerMessage(3010, LogLevel.Information,
        "Programs of imports are confined by: {Mechanisms} (Landlock version {Landlock})")]
    public static partial void Confined(this ILogger logger, string mechanisms, int landlock);

    [LoggerMessage(3011, LogLevel.Warning,
        "Programs of imports are not fully confined; what is missing: {Mechanisms}. A kernel of 5.13 or newer with Landlock, and "
        + "a container that permits its calls and seccomp, would confine them (Import:Confinement)")]
    public static partial void NotConfined(this ILogger logger, string mechanisms);

    [LoggerMessage(3012, LogLevel.Warning, "Nobody knows yet how programs of imports are confined: {Message}")]
    public static partial void ConfinementUnknown(this ILogger logger, string message);

    [LoggerMessage(3020, LogLevel.Information, "Import {ImportId}: in stage {Stage} the program said: {Words}")]
    public static partial void ToolSaid(this ILogger logger, Guid importId, string stage, string words);

    [LoggerMessage(3014, LogLevel.Warning, "Import {ImportId} failed at a file: {Message}")]
    public static partial void ImportFileFailed(this ILogger logger, Guid importId, string message);

    [LoggerMessage(3013, LogLevel.Information,
        "Import {ImportId}: {Bytes} bytes behind the compressed image are none of it and were left out")]
    public static partial void LeftOut(this ILogger logger, Guid importId, long bytes);

    [LoggerMessage(3009, LogLevel.Information, "Import {ImportId} of image {ImageId} waits for its turn")]
    public static partial void ImportQueued(this ILogger logger, Guid importId, ImageId imageId);
}
