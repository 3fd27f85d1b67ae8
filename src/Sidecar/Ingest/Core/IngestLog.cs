using Sidecar.Staging.Core;

namespace Sidecar.Ingest.Core;

/// <summary>Log lines of the ingest. Event ids 7000-7099, never reused. Never a ticket, a token or a target that a user chose.</summary>
internal static partial class IngestLog
{
    [LoggerMessage(7000, LogLevel.Warning, "glance-api at {Upstream} does not answer ({Failure}); users are told to come again. It is not "
        + "logged again until it answers")]
    public static partial void UpstreamAway(ILogger logger, string upstream, string failure);

    [LoggerMessage(7001, LogLevel.Information, "glance-api at {Upstream} answers again")]
    public static partial void UpstreamBack(ILogger logger, string upstream);

    [LoggerMessage(7002, LogLevel.Information, "The upload of image {ImageId} came in and Glance answered {Status}, {Bytes} bytes received")]
    public static partial void UploadAnswered(ILogger logger, ImageId imageId, int status, long bytes);

    [LoggerMessage(7003, LogLevel.Information, "A request was refused with {Status}: {Reason}")]
    public static partial void RequestRefused(ILogger logger, int status, string reason);

    [LoggerMessage(7004, LogLevel.Information, "A request ended without a whole answer of glance-api: {Error}")]
    public static partial void RequestBroken(ILogger logger, string error);

    [LoggerMessage(7005, LogLevel.Warning, "The changed certificate files of the ingest are not taken, the old ones stay in use: {Failure}")]
    public static partial void CertificateKept(ILogger logger, string failure);
}
