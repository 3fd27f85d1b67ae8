using Grpc.Core;

namespace Sidecar.Rpc.Calls;

/// <summary>What the log says of calls.</summary>
internal static partial class CallLog
{
    /// <summary>Event id of the line that says that a call was refused, with its status.</summary>
    public const int RefusedEvent = 1908;

    /// <summary>Says how a call ended: what its client has to act on as information, the rest for those who look closer.</summary>
    public static void CallEnded(this ILogger logger, string method, Status status)
    {
        if (status.StatusCode is StatusCode.OK or StatusCode.NotFound or StatusCode.Cancelled)
            Ended(logger, method, status.StatusCode, status.Detail);
        else
            Refused(logger, method, status.StatusCode, status.Detail);
    }

    [LoggerMessage(1902, LogLevel.Debug, "{Method} was given up by its client")]
    public static partial void ClientGone(this ILogger logger, Exception reason, string method);

    [LoggerMessage(1903, LogLevel.Error, "The handler of {Method} failed")]
    public static partial void HandlerFailed(this ILogger logger, Exception failure, string method);

    [LoggerMessage(1909, LogLevel.Warning, "{Method} failed for a fault of the disk, or for want of memory or file descriptors")]
    public static partial void ResourceFailed(this ILogger logger, Exception failure, string method);

    [LoggerMessage(1901, LogLevel.Debug, "{Method} ended with {StatusCode}: {Detail}")]
    private static partial void Ended(ILogger logger, string method, StatusCode statusCode, string detail);

    [LoggerMessage(RefusedEvent, LogLevel.Information, "{Method} was refused with {StatusCode}: {Detail}")]
    private static partial void Refused(ILogger logger, string method, StatusCode statusCode, string detail);
}
