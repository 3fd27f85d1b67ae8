using Sidecar.Staging.Core;

namespace Sidecar.Downloads.Core;

/// <summary>What is to be downloaded, and as what.</summary>
/// <param name="MaxBytes">Largest size that the caller allows.</param>
/// <param name="Digests">Null: the caller has said nothing of them.</param>
internal sealed record DownloadRequest(
    ImageId ImageId, Uri Url, TargetRules Rules, long MaxBytes, string ProjectId, ImageClaim Claim, DigestWishes? Digests);
