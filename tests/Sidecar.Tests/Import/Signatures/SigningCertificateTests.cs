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

    private static string Certificate(DateTimeOffset from, DateTimeOffset to)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=images", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(from, to);
        return Convert.ToBase64String(certificate.RawData);
    }
}
