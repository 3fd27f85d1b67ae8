using Grpc.Core;
using Sidecar.Peers.Core;
using Sidecar.Peers.Discovery;

namespace Sidecar.Peers.Membership;

/// <summary>
/// Who the members are, from what the records say and what the peers answer. It asks nobody itself.
/// </summary>
/// <remarks>
/// A member is known by its pod's name as soon as anybody told it, and is listed once under it, whatever addresses it
/// has had. A headless Service drops the records of pods that are down, so a member whose record is gone is kept: what
/// it has is nowhere else. This pod itself is left out, by its name, or at addresses where it was found to answer.
/// </remarks>
internal sealed class PeerRoster(
    string self, Func<PeerAddress, CallInvoker> open, TimeSpan forgetAfter, TimeProvider clock, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _own = [];
    private readonly Dictionary<string, Peer> _aliases = [];
    private volatile Peer[] _members = [];

    /// <summary>Also those that said good-bye, as long as their records are there. A snapshot.</summary>
    public IReadOnlyList<Peer> Members => _members;

    /// <summary>What this pod knew before it was restarted.</summary>
    public void Restore(IEnumerable<RememberedPeer> remembered)
    {
        lock (_lock)
        {
            foreach (var peer in remembered.Where(peer => peer.Name != self))
            {
                Add(new PeerAddress(peer.Name, peer.Host, peer.Port), new PeerState { AbsentSince = peer.AbsentSince });
            }
        }
    }

    /// <summary>The records as they are now.</summary>
    public void Resolved(IReadOnlyList<PeerAddress> records)
    {
        lock (_lock)
        {
            DropAliases(records);
            var present = records.Where(record => record.Name != self && !_own.Contains(record.ToString()))
                .DistinctBy(record => record.Name ?? record.ToString()).Select(Place).ToHashSet();
            foreach (var peer in present) peer.Update(state => state with { AbsentSince = null });
            foreach (var peer in _members.Where(member => !present.Contains(member)).ToList()) Miss(peer);
        }
    }

    /// <summary>A peer was asked; what it said is in its state.</summary>
    public void Asked(Peer peer, ProbeOutcome outcome)
    {
        lock (_lock)
        {
            if (!_members.Contains(peer)) return;
            if (outcome == ProbeOutcome.Self)
            {
                Remove(peer);
                _own.Add(peer.Address.ToString());
            }
            else if (peer.State.Reachable)
            {
                foreach (var other in _members.Where(other => other != peer && other.Name == peer.Name)) Unite(peer, other);
            }
        }
    }

    /// <summary>The peer goes and leaves nothing behind; it counts again when it takes new work, or is started again.</summary>
    /// <param name="instance">The process that says so.</param>
    public void Forget(string name, string instance)
    {
        lock (_lock)
        {
            if (Find(name) is not { } peer) return;
            peer.Update(state => state with { LeftAs = instance });
            if (peer.State.Absent) Drop(peer);
        }
    }

    /// <summary>A process calls as the pod of this name. If the pod has left, it was as another process, and it counts again.</summary>
    /// <returns>The member; null: none is known by this name.</returns>
    public Peer? Hear(string name, string instance)
    {
        lock (_lock)
        {
            var peer = Find(name);
            peer?.Update(state => state.LeftAs == instance ? state : state with { LeftAs = null });
            return peer;
        }
    }

    /// <summary>A pod that no record names as yet answered at this address, under the name that it has there.</summary>
    public void Introduce(PeerAddress address)
    {
        lock (_lock) Place(address);
    }

    /// <summary>A way to an address of which nobody knows who answers there; no member.</summary>
    public Peer Stranger(PeerAddress address) => new(address, open(address), new PeerState());

    private Peer? Find(string name) => Array.Find(_members, member => member.Name == name);

    private void DropAliases(IReadOnlyList<PeerAddress> records)
    {
        var addresses = records.Select(record => record.ToString()).ToHashSet();
        _own.IntersectWith(addresses);
        foreach (var (address, peer) in _aliases)
        {
            // One that cannot be reached may be reached under its other address.
            if (!addresses.Contains(address) || !_members.Contains(peer) || !peer.State.Reachable) _aliases.Remove(address);
        }
    }

    private Peer Place(PeerAddress record)
    {
        var address = record.ToString();
        if (record.Name is null && _aliases.TryGetValue(address, out var alias)) return alias;
        var here = _members.Where(member => member.Address.ToString() == address).ToList();
        var known = record.Name is { } name
            ? _members.FirstOrDefault(member => member.State.Name == name) ?? here.Find(member => member.State.Name is null)
            : here.Find(member => !member.State.Displaced);
        if (known is null) return Add(record, new PeerState());
        if (!here.Contains(known)) return Move(known, record);
        known.Update(state => state with { Name = state.Name ?? record.Name });
        return known;
    }

    private Peer Add(PeerAddress address, PeerState state)
    {
        var peer = new Peer(address, open(address), state with { Since = clock.GetUtcNow() });
        _members = [.. _members, peer];
        return peer;
    }

    private Peer Move(Peer peer, PeerAddress record)
    {
        PeersLog.PeerMoved(logger, PeerText.OneLine(peer.Name), peer.Address.ToString(), record.ToString());
        Remove(peer);
        return Add(record, peer.State with { Reachable = false, Failure = "", Displaced = false });
    }

    private void Miss(Peer peer)
    {
        var now = clock.GetUtcNow();
        var before = peer.Update(state => state with { AbsentSince = state.AbsentSince ?? now });
        if (before.LeftAs is not null || now - (before.AbsentSince ?? now) >= forgetAfter) Drop(peer);
        else if (!before.Absent) PeersLog.PeerAbsent(logger, PeerText.OneLine(peer.Name), peer.Address.ToString());
    }

    // The one that answered last is where the pod is now, unless the other is the same process.
    private void Unite(Peer peer, Peer other)
    {
        if (other.State.Reachable && other.State.Instance == peer.State.Instance)
        {
            Remove(peer);
            _aliases[peer.Address.ToString()] = other;
        }
        else
        {
            Remove(other);
        }
    }

    private void Drop(Peer peer)
    {
        Remove(peer);
        PeersLog.PeerForgotten(logger, PeerText.OneLine(peer.Name), peer.Address.ToString());
    }

    private void Remove(Peer peer) => _members = [.. _members.Where(member => member != peer)];
}
