using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Forwarding;

namespace Sidecar.Routing.Locating;

/// <summary>What asking all peers the same brought.</summary>
/// <param name="Answers">Of the peers that have something, as they came.</param>
/// <param name="Asked">How many peers were asked.</param>
/// <param name="Silent">Names of those that did not answer in time, or were not waited for any more.</param>
internal sealed record PollOutcome<T>(
    IReadOnlyList<(Peer Peer, T Answer)> Answers, int Asked, IReadOnlyList<string> Silent)
{
    /// <summary>Somebody did not answer, who may have what nobody else has.</summary>
    /// <param name="known">What those who answered say; the beginning of a sentence.</param>
    public PeerException Incomplete(string known) => new(
        PeerError.LocateIncomplete,
        $"{known}, but {Silent.Count} of {Asked} peers did not answer: {string.Join(", ", Silent)}. "
        + "Try again when they are back.",
        ("silent", string.Join(',', Silent)), ("asked", Asked), ("retry_after_seconds", Forwarder.RetryAfterSeconds));
}
