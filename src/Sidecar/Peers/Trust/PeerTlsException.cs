namespace Sidecar.Peers.Trust;

/// <summary>There is no TLS connection to a peer that is trusted.</summary>
/// <param name="what">Half a sentence for callers.</param>
/// <param name="cause">What TLS said of it, for the log; null: no more than that.</param>
internal sealed class PeerTlsException(string what, string? cause = null)
    : IOException(cause is null ? what : $"{what}: {cause}")
{
    public string What => what;
}
