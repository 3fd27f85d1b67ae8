using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Import.Signatures;

namespace Sidecar.Tests.Import.Signatures;

/// <summary>Signatures that make no sense are refused before an import begins, and the text says what is wrong.</summary>
internal sealed class SignatureRulesTests
{
    private static readonly ImageSignature Good = new(
        "c2lnbmF0dXJl", "SHA-256", "RSA-PSS", "7f1a1f0e-4c1e-4d1b-9f3d-0f1c1d6b4a51", "Y2VydGlmaWNhdGU=");

    private static readonly TestCaseData[] Wrong =
    [
        new(Good with { HashMethod = "", CertificateUuid = "" }, ImportError.SignatureMalformed, "img_signature_hash_method, img_signature_certificate_uuid"),
        new(Good with { Signature = "" }, ImportError.SignatureMalformed, "Missing: img_signature."),
        new(Good with { Signature = "no base64!" }, ImportError.SignatureMalformed, "base64"),
        new(Good with { Signature = " \n" }, ImportError.SignatureMalformed, "base64"),
        new(Good with { Signature = new string('A', 9000) }, ImportError.SignatureMalformed, "base64"),
        new(Good with { CertificateUuid = "../../etc/passwd" }, ImportError.SignatureMalformed, "must be a UUID"),
        new(Good with { HashMethod = "MD5" }, ImportError.SignatureUnsupported, "allowed: SHA-224, SHA-256, SHA-384, SHA-512."),
        new(Good with { HashMethod = "sha-256\n" }, ImportError.SignatureUnsupported, "img_signature_hash_method is 'sha-256'"),
        new(Good with { KeyType = "ECC_SECP256R1" }, ImportError.SignatureUnsupported, "ECC_SECT571R1"),
        new(Good with { Certificate = "" }, ImportError.CertificateRefused, "is missing"),
        new(Good with { Certificate = new string('A', 100_000) }, ImportError.CertificateRefused, "larger than 65536 bytes"),
    ];

    [TestCaseSource(nameof(Wrong))]
    public void Signature_ThatMakesNoSense_IsRefused(ImageSignature signature, object error, string text)
    {
        var refusal = Assert.Throws<ImportException>(() => SignatureRules.Check(signature));

        Assert.That(refusal.Error, Is.EqualTo(error));
        Assert.That(refusal.Message, Does.Contain(text));
    }

    [Test]
    public void Base64_WithLineBreaks_IsRead()
    {
        var signature = Good with { Signature = "c2ln\nbmF0\r\n dXJl\n" };

        SignatureRules.Check(signature);

        Assert.That(SignatureRules.Decode(signature), Is.EqualTo("signature"u8.ToArray()));
    }
}
