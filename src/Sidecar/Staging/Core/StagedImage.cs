namespace Sidecar.Staging.Core;

/// <summary>How a staged image came here. Numbers are on disk: never reuse one.</summary>
internal enum ImageOrigin
{
    Uploaded = 1,
    Adopted = 2,

    /// <summary>A peer that drained gave it.</summary>
    HandedOver = 3,
}

/// <summary>A committed upload: complete, durable, immutable.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Digests">Algorithm to lower-case hex; always holds crc32c.</param>
/// <param name="FirstCommittedAt">
/// Of an image that was handed over: when its first owner had it. Decides whether a deletion meant this image.
/// </param>
internal sealed record StagedImage(
    ImageId Id,
    long Size,
    IReadOnlyDictionary<string, string> Digests,
    string ProjectId,
    ImageOrigin Origin,
    DateTimeOffset CommittedAt,
    DateTimeOffset? FirstCommittedAt = null);
