using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.Pkcs;
using Org.BouncyCastle.Asn1.Sec;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Asn1.X9;

namespace Sidecar.Import.Signatures;

/// <summary>
/// A kind of key that may sign, by the name that <c>img_signature_key_type</c> gives it: those that Glance knows. Told by the
/// identifiers in the certificate alone, before anything is computed with what else is in it.
/// </summary>
/// <param name="Curve">Of elliptic curves: which one. Only by its identifier, never by parameters of the certificate's own.</param>
internal sealed record SignatureKeyType(string Name, DerObjectIdentifier[] Algorithms, DerObjectIdentifier? Curve = null)
{
    public static SignatureKeyType RsaPss { get; } =
        new("RSA-PSS", [PkcsObjectIdentifiers.RsaEncryption, PkcsObjectIdentifiers.IdRsassaPss]);

    public static SignatureKeyType Dsa { get; } = new("DSA", [X9ObjectIdentifiers.IdDsa]);

    public static IReadOnlyList<SignatureKeyType> All { get; } =
    [
        RsaPss,
        Dsa,
        OfCurve("ECC_SECP384R1", SecObjectIdentifiers.SecP384r1),
        OfCurve("ECC_SECP521R1", SecObjectIdentifiers.SecP521r1),
        OfCurve("ECC_SECT409K1", SecObjectIdentifiers.SecT409k1),
        OfCurve("ECC_SECT409R1", SecObjectIdentifiers.SecT409r1),
        OfCurve("ECC_SECT571K1", SecObjectIdentifiers.SecT571k1),
        OfCurve("ECC_SECT571R1", SecObjectIdentifiers.SecT571r1),
    ];

    /// <summary>Of a name that <see cref="SignatureRules"/> let pass.</summary>
    public static SignatureKeyType Of(string name) => All.First(type => type.Name == name);

    /// <summary>The name of the kind that a key is of; its identifier where it is none of these.</summary>
    public static string NameOf(AlgorithmIdentifier key) =>
        All.FirstOrDefault(type => type.Is(key))?.Name ?? $"{key.Algorithm} {key.Parameters as DerObjectIdentifier}".Trim();

    public bool Is(AlgorithmIdentifier key) =>
        Algorithms.Contains(key.Algorithm) && (Curve is null || Curve.Equals(key.Parameters));

    private static SignatureKeyType OfCurve(string name, DerObjectIdentifier curve) =>
        new(name, [X9ObjectIdentifiers.IdECPublicKey], curve);
}
