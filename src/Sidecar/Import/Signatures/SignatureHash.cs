using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Digests;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Signatures;

/// <summary>A hash that a signature may be made over, by the name that <c>img_signature_hash_method</c> gives it.</summary>
/// <param name="StagedDigest">The same as a digest of a staged image, which may be known.</param>
/// <param name="Create">A new one for the signature's own use.</param>
internal sealed record SignatureHash(string Name, string StagedDigest, Func<IDigest> Create)
{
    public static IReadOnlyList<SignatureHash> All { get; } =
    [
        new("SHA-224", "sha224", () => new Sha224Digest()),
        new("SHA-256", "sha256", () => new Sha256Digest()),
        new("SHA-384", "sha384", () => new Sha384Digest()),
        new("SHA-512", "sha512", () => new Sha512Digest()),
    ];

    /// <summary>Of a name that <see cref="SignatureRules"/> let pass.</summary>
    public static SignatureHash Of(string name) => All.First(hash => hash.Name == name);

    /// <summary>Begins one over a file.</summary>
    public RunningDigest Start() => DigestAlgorithms.Start(StagedDigest);
}
