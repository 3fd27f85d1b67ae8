using Glance.Sidecar.V1;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Draining;

/// <summary>What one peer says when it is asked to take an image.</summary>
/// <param name="Available">Bytes that it has room for.</param>
/// <param name="Image">The image, when it has one of this id already.</param>
/// <param name="Part">Its unfinished upload of the image.</param>
/// <param name="Leaves">It drains as well: what it has is no copy that stays.</param>
/// <param name="Refusal">Why it takes nothing; empty when it does.</param>
internal sealed record HandOverOffer(
    Peer Peer, ulong Available, StagedImage? Image, Upload? Part, bool Leaves, string Refusal)
{
    /// <summary>Where the hand-over goes on, when an earlier one left a part; null to start over.</summary>
    public static ulong? ResumeOffset(Upload? part, Staging.Core.StagedImage image) => IsOfHandOver(part, image)
        ? part!.ReceivedOffset
        : null;

    /// <summary>Whether a part can be one of a hand-over. A client that uploads the image there seldom declares this
    /// very size, and if so, the digests at the end tell the difference.</summary>
    public static bool IsOfHandOver(Upload? part, Staging.Core.StagedImage image) =>
        part is { HasDeclaredSize: true } && part.State != Upload.Types.State.Failed
        && part.DeclaredSize == (ulong)image.Size && part.ProjectId == image.ProjectId;
}
