namespace Sidecar.Peers;

/// <summary>Every log line of the peers slice. Event ids 4000-4999, never reused.</summary>
internal static partial class PeersLog
{
    [LoggerMessage(4000, LogLevel.Information, "Peer {Peer} at {Address} is reachable, version {Version}")]
    public static partial void PeerReachable(ILogger logger, string peer, string address, string version);

    [LoggerMessage(4001, LogLevel.Warning, "Peer {Peer} at {Address} is not reachable: {Failure}")]
    public static partial void PeerUnreachable(ILogger logger, string peer, string address, string failure);

    [LoggerMessage(4002, LogLevel.Warning, "The peers cannot be looked up, those known stay: {Failure}")]
    public static partial void ResolveFailed(ILogger logger, string failure);

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

    /// <summary>A text from outside, which must not forge a line.</summary>
    public static string OneLine(string text) => new([.. text.Take(512).Select(c => char.IsControl(c) ? ' ' : c)]);
}
