using Sidecar.Peers.Core;

namespace Sidecar.Peers.Discovery;

/// <summary>The peers that the configuration lists.</summary>
internal sealed class StaticPeers(PeersOptions options) : IPeerDiscovery
{
    private readonly IReadOnlyList<PeerAddress> _peers =
        [.. options.Static.Select(text => PeerAddress.TryParse(text, out var peer) ? peer : null).OfType<PeerAddress>()];

    public Task<IReadOnlyList<PeerAddress>> ResolveAsync(CancellationToken cancellationToken) => Task.FromResult(_peers);
}
