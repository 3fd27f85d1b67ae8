using Grpc.Core;
using Grpc.Telemetry;
using Microsoft.Extensions.Logging;

namespace Grpc.Server;

internal static partial class ServerLog
{
    /// <summary>Says how a call ended: what its client has to act on as information, the rest for those who look closer.</summary>
    public static void Ended(ILogger log, string method, Status status)
    {
        if (status.StatusCode is StatusCode.OK or StatusCode.NotFound or StatusCode.Cancelled)
            Ended(log, method, status.StatusCode, status.Detail);
        else
            Refused(log, method, status.StatusCode, status.Detail);
    }

    [LoggerMessage(1900, LogLevel.Debug, "Refused {Method}: {Detail}")]
    public static partial void Refused(ILogger log, string method, string detail);

    [LoggerMessage(1901, LogLevel.Debug, "{Method} ended with {StatusCode}: {Detail}")]
    private static partial void Ended(ILogger log, string method, StatusCode statusCode, string detail);

    [LoggerMessage(GrpcTelemetry.CallRefusedEvent, LogLevel.Information, "{Method} was refused with {StatusCode}: {Detail}")]
    private static partial void Refused(ILogger log, string method, StatusCode statusCode, string detail);

    [LoggerMessage(1902, LogLevel.Debug, "{Method} was given up by its client")]
    public static partial void ClientGone(ILogger log, Exception? reason, string method);

    [LoggerMessage(1903, LogLevel.Error, "The handler of {Method} failed")]
    public static partial void HandlerFailed(ILogger log, Exception failure, string method);

    [LoggerMessage(1904, LogLevel.Debug, "{Method} passed its deadline")]
    public static partial void DeadlinePassed(ILogger log, string method);

    [LoggerMessage(1905, LogLevel.Error, "{Method} has trailers that cannot be sent")]
    public static partial void TrailersRefused(ILogger log, Exception failure, string method);

    [LoggerMessage(1906, LogLevel.Debug, "Mapped {Method}")]
    public static partial void Mapped(ILogger log, string method);

    [LoggerMessage(1907, LogLevel.Error, "The response of {Method} broke off within a message")]
    public static partial void ResponseTorn(ILogger log, string method);
}
