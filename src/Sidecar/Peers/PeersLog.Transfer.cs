namespace Sidecar.Peers;

/// <summary>Of transfers between pods.</summary>
internal static partial class PeersLog
{
    [LoggerMessage(4200, LogLevel.Information,
        "Output of import {ImportId} is brought from {Peer}: at {Offset} of {Bytes} bytes")]
    public static partial void OutputTransferBegins(ILogger logger, Guid importId, string peer, long offset, long bytes);

    [LoggerMessage(4201, LogLevel.Warning, "Output of import {ImportId} broke off from {Peer} at {Offset}: {Failure}")]
    public static partial void OutputTransferBroke(
        ILogger logger, Guid importId, string peer, long offset, string failure);

    [LoggerMessage(4202, LogLevel.Information, "Output of import {ImportId} is here from {Peer}: {Bytes} bytes")]
    public static partial void OutputBrought(ILogger logger, Guid importId, string peer, long bytes);

    [LoggerMessage(4203, LogLevel.Warning, "Output of import {ImportId} could not be brought from {Peer}: {Failure}")]
    public static partial void OutputTransferFailed(ILogger logger, Guid importId, string peer, string failure);

    [LoggerMessage(4204, LogLevel.Information, "Output of import {ImportId} is removed, {Bytes} bytes freed")]
    public static partial void OutputRemoved(ILogger logger, Guid importId, long bytes);

    [LoggerMessage(4205, LogLevel.Warning, "{Path} is no whole record of a brought output and is removed")]
    public static partial void OutputUnreadable(ILogger logger, string path);
}
