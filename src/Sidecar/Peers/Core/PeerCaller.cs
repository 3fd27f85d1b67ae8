namespace Sidecar.Peers.Core;

/// <summary>
/// A connection feature of the peer listener: what comes through it comes from a peer, and is never forwarded again
/// whatever the message says.
/// </summary>
/// <param name="Identity">DNS name or SPIFFE id of the peer's certificate that was trusted; "plaintext" without TLS.</param>
internal sealed record PeerCaller(string Identity);
