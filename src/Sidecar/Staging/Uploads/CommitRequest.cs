namespace Sidecar.Staging.Uploads;

/// <summary>The sender's last word: how many bytes the image has, and which digests it must have.</summary>
internal sealed record CommitRequest(long TotalSize, IReadOnlyDictionary<string, string> ExpectedDigests);
