using System.Text.Json.Serialization;
using Sidecar.Staging.Uploads;

namespace Sidecar.Staging.Core;

/// <summary>What the sender said when an upload began. Kept beside its data as <c>upload.json</c>.</summary>
/// <param name="DeclaredSize">Bytes of the whole image, when the sender knew.</param>
/// <param name="BootId">The kernel under which it began; see <see cref="Upload"/>.</param>
/// <param name="ExpectedDigests">Algorithm to lower-case hex; the commit fails when the bytes have another.</param>
/// <param name="HandedOverBy">The draining pod that sends it; empty when a client does.</param>
/// <param name="FirstCommittedAt">Of an image that is handed over: when its first owner had it.</param>
/// <param name="DiskFormat">That the sender claims, by which the image is checked; empty: it is not checked.</param>
/// <param name="ContainerFormat">That the sender claims; empty: bare.</param>
/// <param name="Digests">Null: the sender has said nothing of them.</param>
/// <param name="ToleratedChecks">As in <see cref="ImageClaim"/>.</param>
/// <param name="Source">Which file it is a copy of, for whoever fetches it, so that he knows it again. Null: a client sends it.</param>
internal sealed record UploadHeader(
    ImageId ImageId,
    long? DeclaredSize,
    IReadOnlyDictionary<string, string> ExpectedDigests,
    string ProjectId,
    DateTimeOffset StartedAt,
    Guid BootId,
    string HandedOverBy = "",
    DateTimeOffset? FirstCommittedAt = null,
    string DiskFormat = "",
    string ContainerFormat = "",
    DigestWishes? Digests = null,
    IReadOnlyList<string>? ToleratedChecks = null,
    string? Source = null)
{
    [JsonIgnore]
    public ImageClaim Claim => new(DiskFormat, ContainerFormat, ToleratedChecks);

    /// <summary>Of a held reservation, whose space this call takes over; empty: none. Holds for this call only.</summary>
    [JsonIgnore]
    public string ReservationId { get; init; } = "";
}
