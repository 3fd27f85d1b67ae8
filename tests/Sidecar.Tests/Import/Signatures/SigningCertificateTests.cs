using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import.Signatures;

/// <summary>Certificates that can be used, and those that cannot, by name.</summary>
internal sealed class SigningCertificateTests : SignatureTest
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Certificate_InDer_IsReadToo(CancellationToken cancellationToken)
    {
        var (signer, content) = (NewSigner(), TestImages.Noise(1000));
        using var certificate = X509Certificate2.CreateFromPem(System.Text.Encoding.ASCII.GetString(signer.Certificate));
        var signature = SignatureOf(signer, content) with { Certificate = Convert.ToBase64String(certificate.RawData) };

        AssertVerified(await ImportSignedAsync(content, signature, cancellationToken), SignatureOutcome.OfOutput);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Certificate_OfAKeyForPssOnly_IsReadToo(CancellationToken cancellationToken)
    {
        var (signer, content) = (new ImageSigner(Directory.Path, forPssOnly: true), TestImages.Noise(1000));

        AssertVerified(await ImportSignedAsync(content, SignatureOf(signer, content), cancellationToken), SignatureOutcome.OfOutput);
    }

    [TestCase(-10, -1, "expired")]
    [TestCase(1, 10, "not_yet_valid")]
    [CancelAfter(60_000)]
    public async Task Certificate_NotValidNow_IsRefusedByName(int fromDays, int toDays, string check, CancellationToken cancellationToken)
    {
        var now = DateTimeOffset.UtcNow;
        var signature = SignatureOf(NewSigner(), [1]) with { Certificate = Certificate(now.AddDays(fromDays), now.AddDays(toDays)) };

        var import = await ImportSignedAsync([1], signature, cancellationToken);

        AssertRefused(import, ImportError.CertificateRefused, "check", check);
        Assert.That(import.Failure!.Message, Does.Contain(signature.CertificateUuid));
    }

    [TestCase("ECC_SECP384R1", "RSA-PSS")]
    [TestCase("ECC_SECP384R1", "ECC_SECP521R1")]
    [TestCase("RSA-PSS", "DSA")]
    [CancelAfter(60_000)]
    public async Task Key_OfAnotherType_IsRefusedByName(string keyType, string claimed, CancellationToken cancellationToken)
    {
        var signature = SignatureOf(NewSigner(keyType), [1]) with { KeyType = claimed };

        var import = await ImportSignedAsync([1], signature, cancellationToken);

        AssertRefused(import, ImportError.CertificateRefused, "check", "key_type");
        Assert.That(import.Failure!.Message, Does.Contain(keyType).And.Contain(claimed));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Certificate_ThatIsNone_IsRefused(CancellationToken cancellationToken)
    {
        var signer = NewSigner();
        var good = signer.Certificate;
        byte[][] wrong = [[0], good[..^200], [.. "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"u8], TestImages.Noise(5000)];
        foreach (var bytes in wrong)
        {
            var signature = SignatureOf(signer, [1]) with { Certificate = Convert.ToBase64String(bytes) };

            AssertRefused(await ImportSignedAsync([1], signature, cancellationToken), ImportError.CertificateRefused, "check", "malformed");
        }
    }

    [TestCase("RSA-PSS", 16384, 17)]
    [TestCase("RSA-PSS", 2048, 2000)]
    [TestCase("DSA", 16384, 256)]
    [TestCase("DSA", 2048, 2000)]
    [CancelAfter(60_000)]
    public async Task Key_ThatWouldTakeTooLong_IsRefused(string keyType, int modulusBits, int exponentBits, CancellationToken cancellationToken)
    {
        var certificate = CertificateOf(keyType == "DSA" ? Dsa(modulusBits, exponentBits) : Rsa(modulusBits, exponentBits));
        var signature = SignatureOf(NewSigner(keyType), [1]) with { Certificate = certificate };

        AssertRefused(await ImportSignedAsync([1], signature, cancellationToken), ImportError.CertificateRefused, "check", "key_size");
    }

    private static PublicKey Rsa(int modulusBits, int exponentBits) => new(
        new Oid("1.2.840.113549.1.1.1"), new AsnEncodedData([5, 0]), new AsnEncodedData(Numbers(modulusBits, exponentBits)));

    private static PublicKey Dsa(int modulusBits, int exponentBits)
    {
        var value = new AsnWriter(AsnEncodingRules.DER);
        value.WriteInteger(2);
        return new PublicKey(
            new Oid("1.2.840.10040.4.1"), new AsnEncodedData(Numbers(modulusBits, exponentBits, 2)), new AsnEncodedData(value.Encode()));
    }

    /// <summary>A sequence of odd numbers of these lengths.</summary>
    private static byte[] Numbers(params int[] bits)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var length in bits) writer.WriteInteger((BigInteger.One << (length - 1)) | BigInteger.One);
        }

        return writer.Encode();
    }

    private static string CertificateOf(PublicKey key)
    {
        using var authority = RSA.Create(2048);
        var request = new CertificateRequest(new X500DistinguishedName("CN=images"), key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(
            new X500DistinguishedName("CN=authority"), X509SignatureGenerator.CreateForRSA(authority, RSASignaturePadding.Pkcs1),
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1]);
        return Convert.ToBase64String(certificate.RawData);
    }

    private static string Certificate(DateTimeOffset from, DateTimeOffset to)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=images", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(from, to);
        return Convert.ToBase64String(certificate.RawData);
    }
}
