using Glance.Sidecar.V1;

namespace Sidecar.Peers.Membership;

/// <summary>What is known of a peer; never changes.</summary>
internal sealed record PeerState
{
    /// <summary>As it calls itself, or as its record does; null before either was heard.</summary>
    public string? Name { get; init; }

    public bool Reachable { get; init; }

    /// <summary>Since when it is reachable, or not.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Why it cannot be reached; empty when it can, or was not asked yet.</summary>
    public string Failure { get; init; } = "";

    /// <summary>Of its process; null before its first answer.</summary>
    public string? Instance { get; init; }

    public string Version { get; init; } = "";

    /// <summary>As of its last answer.</summary>
    public Capacity? Capacity { get; init; }

    public bool Draining { get; init; }

    /// <summary>How far its clock is from this pod's.</summary>
    public PeerClock Clock { get; init; } = PeerClock.Unknown;

    /// <summary>Since when its record is gone; null as long as it is there.</summary>
    public DateTimeOffset? AbsentSince { get; init; }

    /// <summary>Its record is gone; it is remembered until it is forgotten.</summary>
    public bool Absent => AbsentSince is not null;

    /// <summary>Another pod answers at its address.</summary>
    public bool Displaced { get; init; }

    /// <summary>
    /// It said that it goes and leaves nothing behind: the instance that said so. Null for a peer that stays.
    /// </summary>
    public string? LeftAs { get; init; }
}
