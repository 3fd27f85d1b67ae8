namespace Sidecar.Peers.Core;

/// <summary>Log lines of membership and trust. Event ids 4000-4099, never reused.</summary>
internal static partial class PeersLog
{
    [LoggerMessage(4000, LogLevel.Information, "Peer {Peer} at {Address} is reachable, version {Version}")]
    public static partial void PeerReachable(ILogger logger, string peer, string address, string version);

    [LoggerMessage(4001, LogLevel.Warning, "Peer {Peer} at {Address} is not reachable: {Failure}")]
    public static partial void PeerUnreachable(ILogger logger, string peer, string address, string failure);

    [LoggerMessage(4002, LogLevel.Warning, "The peers cannot be looked up, those known stay: {Failure}")]
    public static partial void ResolveFailed(ILogger logger, string failure);

    [LoggerMessage(4003, LogLevel.Information, "The peers can be looked up again")]
    public static partial void ResolvedAgain(ILogger logger);

    [LoggerMessage(4004, LogLevel.Error, "Asking a peer failed; it is tried again")]
    public static partial void ProbeFailed(ILogger logger, Exception failure);

    [LoggerMessage(4005, LogLevel.Warning, "Another pod, at {Address}, calls itself {Name} as this one does; it is left out")]
    public static partial void SameName(ILogger logger, string address, string name);

    [LoggerMessage(4006, LogLevel.Information, "Peer {Peer} moved from {Address} to {NewAddress}")]
    public static partial void PeerMoved(ILogger logger, string peer, string address, string newAddress);

    [LoggerMessage(4007, LogLevel.Warning, "The record of peer {Peer} at {Address} is gone; it may still own images")]
    public static partial void PeerAbsent(ILogger logger, string peer, string address);

    [LoggerMessage(4008, LogLevel.Information, "Peer {Peer} at {Address} is forgotten")]
    public static partial void PeerForgotten(ILogger logger, string peer, string address);

    [LoggerMessage(4009, LogLevel.Warning, "The known peers in {Path} cannot be read: {Failure}")]
    public static partial void MembersNotRead(ILogger logger, string path, string failure);

    [LoggerMessage(4010, LogLevel.Warning, "The known peers cannot be kept in {Path}: {Failure}")]
    public static partial void MembersNotKept(ILogger logger, string path, string failure);

    [LoggerMessage(4011, LogLevel.Warning,
        "The clock of peer {Peer} is {Seconds:0.###} s ahead of this pod's, give or take {Error:0.###} s: keep the clocks of all "
        + "nodes together (NTP), as of two copies of an image the newest counts")]
    public static partial void ClockApart(ILogger logger, string peer, double seconds, double error);

    [LoggerMessage(4012, LogLevel.Information, "The clock of peer {Peer} agrees with this pod's again")]
    public static partial void ClockAgrees(ILogger logger, string peer);

    [LoggerMessage(4020, LogLevel.Information, "Peers are shown the certificate of {Names}, valid until {NotAfter}")]
    public static partial void CredentialsTaken(ILogger logger, string names, DateTimeOffset notAfter);

    [LoggerMessage(4021, LogLevel.Warning, "The changed certificate files are not taken, the old ones stay in use: {Failure}")]
    public static partial void CredentialsRefused(ILogger logger, string failure);

    [LoggerMessage(4022, LogLevel.Warning, "A connection to the peer listener from {Address} was refused: {Failure}")]
    public static partial void CallerRefused(ILogger logger, string address, string failure);

    [LoggerMessage(4023, LogLevel.Warning, "Peers with the same settings will not trust this pod: {Failure}")]
    public static partial void OwnCertificateUntrusted(ILogger logger, string failure);
}
