using Google.Protobuf.WellKnownTypes;
using Sidecar.Peers.Membership;

namespace Sidecar.Rpc.Messages;

/// <summary>Domain values of the peers slice as messages.</summary>
internal static class PeerMessages
{
    public static Glance.Sidecar.V1.Peer ToMessage(Peer peer)
    {
        var state = peer.State;
        return new Glance.Sidecar.V1.Peer
        {
            Name = state.Name ?? peer.Address.Name ?? "",
            Address = peer.Address.ToString(),
            Reachable = state.Reachable,
            Since = state.Since.ToTimestamp(),
            Failure = state.Failure,
            Capacity = state.Capacity,
            Version = state.Version,
            Instance = state.Instance ?? "",
            Draining = state.Draining,
            Absent = state.Absent,
        };
    }
}
