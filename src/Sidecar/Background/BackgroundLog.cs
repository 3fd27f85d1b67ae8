namespace Sidecar.Background;

/// <summary>Log lines of background loops. Of the event ids of the process, 5000-5999, never reused.</summary>
internal static partial class BackgroundLog
{
    [LoggerMessage(5002, LogLevel.Error, "The background loop {Loop} failed; it goes on with its next round, and logs when that succeeds")]
    public static partial void RoundFailed(ILogger logger, string loop, Exception failure);

    [LoggerMessage(5004, LogLevel.Information, "The background loop {Loop} works again")]
    public static partial void RoundsWorkAgain(ILogger logger, string loop);
}
