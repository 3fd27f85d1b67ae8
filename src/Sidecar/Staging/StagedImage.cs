namespace Sidecar.Staging;

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
internal sealed record StagedImage(
    ImageId Id,
    long Size,
    IReadOnlyDictionary<string, string> Digests,
    string ProjectId,
    ImageOrigin Origin,
    DateTimeOffset CommittedAt);
