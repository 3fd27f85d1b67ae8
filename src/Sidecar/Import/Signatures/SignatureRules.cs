using Sidecar.Import.Core;

namespace Sidecar.Import.Signatures;

/// <summary>What a signature may say, before anything is read: an import of one that makes no sense does not even begin.</summary>
internal static class SignatureRules
{
    public const string SignatureProperty = "img_signature";
    public const string HashProperty = "img_signature_hash_method";
    public const string KeyTypeProperty = "img_signature_key_type";
    public const string CertificateProperty = "img_signature_certificate_uuid";

    // A signature of an RSA key of 16384 bits takes 2736 characters; a certificate of a long chain's end a few KiB.
    private const int MaxSignatureChars = 8 << 10;
    private const int MaxCertificateBytes = 64 << 10;

    /// <exception cref="ImportException">SignatureMalformed, SignatureUnsupported, CertificateRefused.</exception>
    public static void Check(ImageSignature signature)
    {
        CheckPresence(signature);
        RequireKnown(HashProperty, signature.HashMethod, SignatureHash.All.Select(hash => hash.Name));
        RequireKnown(KeyTypeProperty, signature.KeyType, SignatureKeyType.All.Select(type => type.Name));
        if (signature.Signature.Length > MaxSignatureChars || Decode(signature) is not { Length: > 0 })
        {
            throw Malformed(SignatureProperty, "it must be the signature in base64");
        }

        if (!Guid.TryParse(signature.CertificateUuid, out _))
        {
            throw Malformed(CertificateProperty, $"it is {Text.Quote(signature.CertificateUuid)}, and must be a UUID");
        }

        CheckCertificate(signature);
    }

    /// <summary>The bytes of a signature; null when it is no base64. Line breaks and blanks in it are allowed, as in Glance.</summary>
    public static byte[]? Decode(ImageSignature signature)
    {
        var bytes = new byte[signature.Signature.Length];
        return Convert.TryFromBase64String(signature.Signature, bytes, out var count) ? bytes[..count] : null;
    }

    private static void CheckPresence(ImageSignature signature)
    {
        (string Property, string Value)[] all =
        [
            (SignatureProperty, signature.Signature), (HashProperty, signature.HashMethod),
            (KeyTypeProperty, signature.KeyType), (CertificateProperty, signature.CertificateUuid),
        ];
        var missing = all.Where(each => each.Value.Length == 0).Select(each => each.Property).ToList();
        if (missing.Count == 0) return;
        throw new ImportException(
            ImportError.SignatureMalformed,
            $"The image has a signature, but not all of its properties. Missing: {string.Join(", ", missing)}. Set them, or remove "
            + "the others.",
            ("property", missing[0]), ("missing", string.Join(',', missing)));
    }

    private static void CheckCertificate(ImageSignature signature)
    {
        // The request brings bytes, which are base64 here, so three quarters of the length are theirs.
        var bytes = signature.Certificate.Length / 4 * 3;
        if (bytes is > 0 and <= MaxCertificateBytes) return;
        var check = bytes == 0 ? "missing" : "malformed";
        var wrong = bytes == 0 ? "is missing" : $"is larger than {MaxCertificateBytes} bytes";
        throw new ImportException(
            ImportError.CertificateRefused,
            $"The certificate {signature.CertificateUuid} {wrong}: the request must bring it, as X.509, DER or PEM.",
            ("certificate_uuid", signature.CertificateUuid), ("check", check));
    }

    private static void RequireKnown(string property, string value, IEnumerable<string> allowed)
    {
        if (allowed.Contains(value)) return;
        throw new ImportException(
            ImportError.SignatureUnsupported,
            $"{property} is {Text.Quote(value)}; allowed: {string.Join(", ", allowed)}.",
            ("property", property), ("allowed", string.Join(',', allowed)));
    }

    private static ImportException Malformed(string property, string wrong) => new(
        ImportError.SignatureMalformed, $"{property} is wrong: {wrong}.", ("property", property), ("missing", ""));
}
