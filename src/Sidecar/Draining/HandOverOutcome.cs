namespace Sidecar.Draining;

/// <summary>What became of an image that a drain was to hand over.</summary>
internal enum HandOverResult
{
    /// <summary>A peer has it, and this pod no longer.</summary>
    Moved,

    /// <summary>A peer has a newer image of the same id; this pod gave up its own.</summary>
    Superseded,

    /// <summary>It was deleted meanwhile, and is nowhere.</summary>
    Deleted,

    /// <summary>It stays on this pod.</summary>
    Kept,
}

/// <param name="Peer">Name of the peer that has it; empty for <see cref="HandOverResult.Kept"/>.</param>
/// <param name="Reason">Why it stays, one sentence a peer.</param>
internal readonly record struct HandOverOutcome(HandOverResult Result, string Peer = "", string Reason = "");
