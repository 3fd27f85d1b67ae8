using System.Globalization;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;
using Sidecar.Import.Core;

namespace Sidecar.Import.Signatures;

/// <summary>Reads the certificate of a signature. Who issued it is not looked at, as in Glance: Nova's compute nodes do that.</summary>
internal static class SigningCertificate
{
    // What is computed with a key takes a time that grows with the square of its modulus and with its exponent: seconds with these,
    // and nobody can stop it. OpenSSL, which makes the keys, has the same limits of exponents.
    private const int MaxModulusBits = 8192;
    private const int MaxRsaExponentBits = 64;
    private const int MaxDsaExponentBits = 256;

    /// <summary>The key of a certificate that is valid now and whose key is of the kind that the signature claims.</summary>
    /// <exception cref="ImportException"><see cref="ImportError.CertificateRefused"/>.</exception>
    public static SigningKey ReadKey(ImageSignature signature, DateTimeOffset now)
    {
        var certificate = Read(signature, () => new X509CertificateParser().ReadCertificate(
            Convert.FromBase64String(signature.Certificate)));
        CheckTime(signature, certificate, now);
        var info = Read(signature, () => certificate.SubjectPublicKeyInfo);
        CheckKind(signature, info.Algorithm);
        CheckSize(signature, info);
        return new SigningKey(Read(signature, () => PublicKeyFactory.CreateKey(info)));
    }

    private static T Read<T>(ImageSignature signature, Func<T> read)
    {
        try
        {
            return read() is { } found ? found : throw new InvalidDataException("There is no certificate in it.");
        }
#pragma warning disable CA1031 // A stranger's bytes, and the library throws what it likes at those that make no sense.
        catch (Exception failure)
        {
            throw Refuse(signature, "malformed", "is no X.509 certificate, DER or PEM", failure);
        }
#pragma warning restore CA1031
    }

    private static void CheckTime(ImageSignature signature, X509Certificate certificate, DateTimeOffset now)
    {
        var begin = Read(signature, () => new DateTimeOffset(certificate.NotBefore.ToUniversalTime()));
        var end = Read(signature, () => new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));
        if (now < begin) throw Refuse(signature, "not_yet_valid", $"is not valid before {Say(begin)}");
        if (now > end) throw Refuse(signature, "expired", $"has expired: it was valid until {Say(end)}");
    }

    private static void CheckKind(ImageSignature signature, AlgorithmIdentifier key)
    {
        if (SignatureKeyType.Of(signature.KeyType).Is(key)) return;
        throw Refuse(
            signature, "key_type",
            $"has a key of the type {SignatureKeyType.NameOf(key)}, and {SignatureRules.KeyTypeProperty} says {signature.KeyType}");
    }

    /// <summary>
    /// Before the library makes a key of the numbers: it tests the modulus of RSA first, which takes as long as using it does.
    /// </summary>
    private static void CheckSize(ImageSignature signature, SubjectPublicKeyInfo info)
    {
        var (modulus, exponent) = Read(signature, () => SizesOf(signature, info));
        if (modulus <= MaxModulusBits && exponent <= MaxExponentBits(signature)) return;
        throw Refuse(
            signature, "key_size",
            $"has a key of {modulus} bits with exponents of {exponent}; at most {MaxModulusBits} and {MaxExponentBits(signature)} are allowed");
    }

    private static (int Modulus, int Exponent) SizesOf(ImageSignature signature, SubjectPublicKeyInfo info)
    {
        if (signature.KeyType == SignatureKeyType.RsaPss.Name)
        {
            var rsa = RsaPublicKeyStructure.GetInstance(info.ParsePublicKey());
            return (rsa.Modulus.BitLength, rsa.PublicExponent.BitLength);
        }

        if (signature.KeyType != SignatureKeyType.Dsa.Name) return (0, 0); // a curve that is known
        var dsa = DsaParameter.GetInstance(info.Algorithm.Parameters);
        return (dsa.P.BitLength, dsa.Q.BitLength);
    }

    private static int MaxExponentBits(ImageSignature signature) =>
        signature.KeyType == SignatureKeyType.Dsa.Name ? MaxDsaExponentBits : MaxRsaExponentBits;

    private static string Say(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static ImportException Refuse(
        ImageSignature signature, string check, string wrong, Exception? inner = null) => new(
        ImportError.CertificateRefused,
        $"The certificate {signature.CertificateUuid} {wrong}. Sign the image with another one.",
        inner,
        ("certificate_uuid", signature.CertificateUuid), ("check", check));
}
