namespace Sidecar.Webhook.Core;

/// <summary>Every log line of the slice. Event ids 7000-7099, never reused.</summary>
internal static partial class WebhookLog
{
    [LoggerMessage(7000, LogLevel.Information, "Webhook {Version} listens on {Addresses}.")]
    public static partial void Listening(ILogger logger, string version, string addresses);

    [LoggerMessage(7001, LogLevel.Information, "Pod {Pod} of namespace {Namespace} gets the sidecar.")]
    public static partial void Injected(ILogger logger, string pod, string @namespace);

    [LoggerMessage(7002, LogLevel.Warning, "Pod {Pod} of namespace {Namespace} cannot have the sidecar: {Reason}")]
    public static partial void Obstructed(ILogger logger, string pod, string @namespace, string reason);

    [LoggerMessage(7003, LogLevel.Warning, "A request was refused: {Reason}")]
    public static partial void Refused(ILogger logger, string reason);

    [LoggerMessage(7004, LogLevel.Information, "The certificate {Subject} is in use, and valid until {Until}.")]
    public static partial void CertificateTaken(ILogger logger, string subject, DateTime until);

    [LoggerMessage(7005, LogLevel.Warning, "The certificate in use stays: {Reason}")]
    public static partial void CertificateRefused(ILogger logger, string reason);
}
