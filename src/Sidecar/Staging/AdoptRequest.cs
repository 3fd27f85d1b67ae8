using Sidecar.Staging.Core;

namespace Sidecar.Staging;

/// <summary>A file on the volume that is to become a staged image.</summary>
/// <param name="File">Absolute path, without links.</param>
/// <param name="ExpectedSize">Bytes, when the caller knows.</param>
/// <param name="ReservationId">Of a held reservation, which promised the file's space; empty: none.</param>
/// <param name="Claim">By which it is checked; without a format it is not checked.</param>
/// <param name="Digests">Null: nothing was said of them.</param>
internal sealed record AdoptRequest(
    ImageId ImageId,
    string File,
    long? ExpectedSize,
    IReadOnlyDictionary<string, string> ExpectedDigests,
    string ProjectId,
    string ReservationId = "",
    ImageClaim? Claim = null,
    DigestWishes? Digests = null);
