using Glance.Sidecar.V1;
using Grpc.Net.Client;
using PeersApi = Glance.Sidecar.V1.Peers;
using StagingApi = Glance.Sidecar.V1.Staging;

namespace Sidecar.Peers.Membership;

/// <summary>
/// Another pod's sidecar: the way to it, and what it said of itself last. One connection carries all calls to it;
/// it is opened when it is needed and opened again after it broke.
/// </summary>
internal sealed class Peer : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly Lock _lock = new();
    private PeerState _state;

    public Peer(PeerAddress address, GrpcChannel channel, DateTimeOffset now)
    {
        Address = address;
        _channel = channel;
        _state = new PeerState { Since = now };
        Staging = new StagingApi.StagingClient(channel);
        Imports = new Imports.ImportsClient(channel);
        Peers = new PeersApi.PeersClient(channel);
    }

    public PeerAddress Address { get; }

    /// <summary>The pod's name; its address as long as nobody told the name.</summary>
    public string Name => State.Name ?? Address.Name ?? Address.ToString();

    public PeerState State
    {
        get
        {
            lock (_lock) return _state;
        }
    }

    public StagingApi.StagingClient Staging { get; }

    public Imports.ImportsClient Imports { get; }

    public PeersApi.PeersClient Peers { get; }

    /// <summary>Replaces the state; answers the one before.</summary>
    public PeerState Update(Func<PeerState, PeerState> change)
    {
        lock (_lock)
        {
            var before = _state;
            _state = change(before);
            return before;
        }
    }

    public void Dispose() => _channel.Dispose();
}
