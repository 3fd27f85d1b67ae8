using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Tests.Import.Signatures;

/// <summary>Imports of signed images; keys, certificates and signatures are openssl's.</summary>
internal abstract class SignatureTest : ImportTest
{
    protected const string StageName = "image_signature_verification";

    protected ImageSigner NewSigner(string keyType = "RSA-PSS") => new(Directory.Path, keyType);

    protected static ImageSignature SignatureOf(ImageSigner signer, byte[] content, string hash = "SHA-256") => new(
        signer.Sign(content, hash), hash, signer.KeyType, signer.CertificateUuid, Convert.ToBase64String(signer.Certificate));

    /// <summary>Stages, imports as it is, and waits.</summary>
    protected Task<ImportSnapshot> ImportSignedAsync(
        byte[] content, ImageSignature signature, CancellationToken cancellationToken) =>
        RunAsync(RawRequest(content, signature), cancellationToken);

    protected ImportRequest RawRequest(byte[] content, ImageSignature signature) =>
        Request(StageBytes(content)) with { DiskFormat = "raw", Signature = signature };

    protected ImageId StageBytes(byte[] content) => Stage(Directory.Write($"{Guid.NewGuid():N}.raw", content));

    protected static void AssertRefused(ImportSnapshot import, ImportError error, string fact = "", string value = "")
    {
        Assert.That(import.Failure?.Error, Is.EqualTo(error), import.Failure?.Message);
        Assert.That(import.Failure!.Stage, Is.EqualTo(StageName));
        if (fact.Length > 0) Assert.That(import.Failure.Facts[fact], Is.EqualTo(value));
    }

    protected static void AssertVerified(ImportSnapshot import, SignatureOutcome outcome)
    {
        Assert.That(import.Result?.Signature, Is.EqualTo(outcome), import.Failure?.Message);
        Assert.That(import.Stages[1], Has.Property("Name").EqualTo(StageName).And.Property("State").EqualTo(StageState.Succeeded));
    }
}
