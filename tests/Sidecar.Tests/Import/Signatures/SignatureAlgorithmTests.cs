using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import.Signatures;

/// <summary>Every kind of key with every hash that Glance knows.</summary>
internal sealed class SignatureAlgorithmTests : SignatureTest
{
    private static readonly string[] Hashes = ["SHA-224", "SHA-256", "SHA-384", "SHA-512"];

    [TestCase("RSA-PSS")]
    [TestCase("DSA")]
    [TestCase("ECC_SECP384R1")]
    [TestCase("ECC_SECP521R1")]
    [TestCase("ECC_SECT409K1")]
    [TestCase("ECC_SECT409R1")]
    [TestCase("ECC_SECT571K1")]
    [TestCase("ECC_SECT571R1")]
    [CancelAfter(120_000)]
    public async Task Key_WithEveryHash_SignsItsOwnBytesOnly(string keyType, CancellationToken cancellationToken)
    {
        var (signer, content) = (NewSigner(keyType), TestImages.Noise((5 << 20) + 1));
        byte[] others = [.. content[..^1], (byte)(content[^1] ^ 1)];
        foreach (var hash in Hashes)
        {
            var signature = SignatureOf(signer, content, hash);

            var right = await ImportSignedAsync(content, signature, cancellationToken);
            var wrong = await ImportSignedAsync(others, signature, cancellationToken);

            AssertVerified(right, SignatureOutcome.OfOutput);
            AssertRefused(wrong, ImportError.SignatureInvalid, "certificate_uuid", signer.CertificateUuid);
        }
    }

    [TestCase("RSA-PSS")]
    [TestCase("DSA")]
    [TestCase("ECC_SECT571K1")]
    [CancelAfter(120_000)]
    public async Task Signature_ByAnotherKeyOrOfNonsense_IsRefused(string keyType, CancellationToken cancellationToken)
    {
        var (signer, other, content) = (NewSigner(keyType), NewSigner(keyType), TestImages.Noise(1000));
        var signature = SignatureOf(signer, content);
        string[] wrong = [other.Sign(content, "SHA-256"), "AA==", Convert.ToBase64String(TestImages.Noise(2000))];
        foreach (var text in wrong)
        {
            var import = await ImportSignedAsync(content, signature with { Signature = text }, cancellationToken);

            AssertRefused(import, ImportError.SignatureInvalid);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task RsaPss_WithAShorterSalt_IsRefusedAsInGlance(CancellationToken cancellationToken)
    {
        var (signer, content) = (NewSigner(), TestImages.Noise(1000));
        var signature = SignatureOf(signer, content) with { Signature = signer.Sign(content, "SHA-256", salt: "digest") };

        var import = await ImportSignedAsync(content, signature, cancellationToken);

        AssertRefused(import, ImportError.SignatureInvalid);
        Assert.That(import.Failure!.Message, Does.Contain("salt of maximal length"));
    }
}
