using Sidecar.Peers.Membership;

namespace Sidecar.Routing.Locating;

/// <summary>What asking all peers showed.</summary>
/// <param name="Copies">Those that the peers reported, the newest commit first.</param>
/// <param name="Asked">How many peers were asked.</param>
/// <param name="Silent">Names of those that did not answer in time; some were not waited for once a copy was found.</param>
/// <param name="Owner">The peer with the first of the copies; null when there is none.</param>
internal sealed record LocateOutcome(
    IReadOnlyList<Copy> Copies, int Asked, IReadOnlyList<string> Silent, Peer? Owner);
