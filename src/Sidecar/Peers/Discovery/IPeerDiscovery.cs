
namespace Sidecar.Peers.Discovery;

/// <summary>Who the peers are, as the configuration or the Service's records say now. This pod itself may be among them.</summary>
internal interface IPeerDiscovery
{
    /// <exception cref="IOException">Nobody can say now; what was known before stays true.</exception>
    Task<IReadOnlyList<PeerAddress>> ResolveAsync(CancellationToken cancellationToken);
}
