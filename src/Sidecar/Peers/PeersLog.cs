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
}
