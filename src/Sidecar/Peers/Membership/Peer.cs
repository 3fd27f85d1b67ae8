using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Discovery;
using PeersApi = Glance.Sidecar.V1.Peers;
using StagingApi = Glance.Sidecar.V1.Staging;
using StoresApi = Glance.Sidecar.V1.Stores;

namespace Sidecar.Peers.Membership;

/// <summary>
/// Another pod's sidecar under one address: the way to it, and what it said of itself last. One connection carries all
/// calls to it; it is opened when it is needed and opened again after it broke.
/// </summary>
/// <remarks>
/// A pod that comes back under another address gets a new one of these. The old one may still be in use by a call, so
/// it is let go rather than disposed: its connections close by themselves once they carry no call.
/// </remarks>
internal sealed class Peer
{
    private readonly Lock _lock = new();
    private readonly PeersApi.PeersClient _unaddressed;
    private PeerState _state;

    public Peer(PeerAddress address, CallInvoker calls, PeerState state)
    {
        Address = address;
        _state = state with { Name = state.Name ?? address.Name };
        _unaddressed = new PeersApi.PeersClient(calls);
        var addressed = new AddressedCalls(calls, () => State.Name);
        Staging = new StagingApi.StagingClient(addressed);
        Imports = new Imports.ImportsClient(addressed);
        Stores = new StoresApi.StoresClient(addressed);
        Peers = new PeersApi.PeersClient(addressed);
    }

    public PeerAddress Address { get; }

    /// <summary>The pod's name; its address as long as nobody told the name.</summary>
    public string Name => State.Name ?? Address.ToString();

    public PeerState State
    {
        get
        {
            lock (_lock) return _state;
        }
    }

    // Calls through these only reach a pod of the peer's name.
    public StagingApi.StagingClient Staging { get; }

    public Imports.ImportsClient Imports { get; }

    public StoresApi.StoresClient Stores { get; }

    public PeersApi.PeersClient Peers { get; }

    /// <summary>Asks whoever answers at the address who it is.</summary>
    public async Task<Glance.Sidecar.V1.Peer> DescribeAsync(
        DescribeRequest request, Metadata metadata, DateTime deadline, CancellationToken cancellationToken) =>
        await _unaddressed.DescribeAsync(request, metadata, deadline, cancellationToken);

    /// <summary>Replaces the state in one step, whoever else does so at the same time; answers the one before.</summary>
    public PeerState Update(Func<PeerState, PeerState> change)
    {
        lock (_lock)
        {
            var before = _state;
            _state = change(before);
            return before;
        }
    }
}
