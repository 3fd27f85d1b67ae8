using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import.Signatures;

/// <summary>When a signature is verified, and what becomes of the image.</summary>
internal sealed class SignatureStageTests : SignatureTest
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Signed_AndConverted_IsVerifiedOverTheStagedBytes(CancellationToken cancellationToken)
    {
        var (signer, raw) = (NewSigner(), Directory.Raw());
        var packed = TestImages.Gzip(Directory.Convert(raw, "qcow2"));
        var signature = SignatureOf(signer, await File.ReadAllBytesAsync(packed, cancellationToken), "SHA-512");

        // Not among the stages that are asked for: it is verified because it is there.
        var import = await RunAsync(
            Request(Stage(packed)) with { Signature = signature, Stages = ["image_decompression", "image_conversion"] }, cancellationToken);

        AssertVerified(import, SignatureOutcome.OfInput);
        Assert.That(import.Result!.DiskFormat, Is.EqualTo("raw"));
        Assert.That(import.Result.Properties["img_signature_verified_with"], Is.EqualTo(signer.CertificateUuid));
        AssertSameDisk(import.Result.OutputPath, "raw", raw, "raw");
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Signed_AndConvertedLater_IsVerifiedOverTheStagedBytes(CancellationToken cancellationToken)
    {
        var image = Directory.Convert(Directory.Raw(), "qcow2");
        var signature = SignatureOf(NewSigner(), await File.ReadAllBytesAsync(image, cancellationToken));

        var import = await RunAsync(
            Request(Stage(image)) with { Signature = signature, DefersConversion = true }, cancellationToken);

        AssertVerified(import, SignatureOutcome.OfInput);
        Assert.That(import.Result!.Deferred, Is.Not.Null);
        Assert.That(import.Result.Properties, Contains.Key("img_signature_verified_with"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Signed_AndLeftAsItIs_KeepsItsSignature(CancellationToken cancellationToken)
    {
        var content = TestImages.Noise(1 << 20);

        var import = await ImportSignedAsync(content, SignatureOf(NewSigner(), content), cancellationToken);

        AssertVerified(import, SignatureOutcome.OfOutput);
        Assert.That(import.Result!.Properties, Is.Empty);
        Assert.That(import.Result.OutputPath, Is.EqualTo(Layout.ImageFile(import.Request.ImageId)));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Unsigned_WithTheStageAskedFor_SkipsIt(CancellationToken cancellationToken)
    {
        var import = await RunAsync(
            Request(Stage(Directory.Raw())) with { Stages = ["image_conversion", StageName] }, cancellationToken);

        Assert.That(import.Result?.Signature, Is.EqualTo(SignatureOutcome.None), import.Failure?.Message);
        Assert.That(import.Stages[1], Is.EqualTo(new StageProgress(StageName, StageState.Skipped, 0, 0, import.Stages[1].Elapsed)));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Invalid_LeavesTheStagedBytes_AndIsRefusedAgain(CancellationToken cancellationToken)
    {
        var signature = SignatureOf(NewSigner(), TestImages.Noise(1000));
        var request = RawRequest(TestImages.Noise(1001), signature);

        AssertRefused(await RunAsync(request, cancellationToken), ImportError.SignatureInvalid);
        Assert.That(File.Exists(Layout.ImageFile(request.ImageId)), Is.True);
        AssertRefused(await RunAsync(request with { ImportId = Guid.NewGuid() }, cancellationToken), ImportError.SignatureInvalid);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Digest_OfTheUpload_IsNotComputedAgain(CancellationToken cancellationToken)
    {
        var (content, other) = (TestImages.Noise(1000), TestImages.Noise(1000, seed: 9));
        var request = RawRequest(other, SignatureOf(NewSigner(), content));
        // Only who takes the digest from the record can find that it fits.
        SetDigest(request.ImageId, "sha256", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content)));

        AssertVerified(await RunAsync(request with { WithoutDigests = true }, cancellationToken), SignatureOutcome.OfOutput);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Interrupted_RunsAgainWithItsSignature(CancellationToken cancellationToken)
    {
        var signature = SignatureOf(NewSigner(), TestImages.Noise(1000));
        var pid = UseWaitingQemu();
        var qcow2 = Directory.Convert(Directory.Raw(), "qcow2");
        var signed = SignatureOf(NewSigner(), await File.ReadAllBytesAsync(qcow2, cancellationToken));
        var request = Request(Stage(qcow2)) with { Signature = signed };
        Queue.Start(request);
        await UntilItWaitsAsync(pid, cancellationToken);
        var stopped = Queue;
        ForgetEverything();

        await Queue.RecoverAsync(cancellationToken);

        Assert.That(Queue.Get(request.ImportId).Request.Signature, Is.EqualTo(signed));
        Assert.That(
            () => Queue.Start(request with { Signature = signature }),
            Throws.TypeOf<ImportException>().With.Property("Error").EqualTo(ImportError.RequestDiffers));
        Assert.That(
            () => Queue.Start(request with { Signature = null }),
            Throws.TypeOf<ImportException>().With.Property("Error").EqualTo(ImportError.RequestDiffers));
        await stopped.StopAsync(CancellationToken.None);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task OfATerabyteOfNothing_IsStoppedInTime_OrByACaller([Values] bool cancelled, CancellationToken cancellationToken)
    {
        Configure("DigestTimeout", cancelled ? "01:00:00" : "00:00:01");
        var request = RawRequest([1], SignatureOf(NewSigner(), [1]));
        using (var file = File.OpenWrite(Layout.ImageFile(request.ImageId))) file.SetLength(1L << 40);
        Queue.Start(request);
        await UntilAsync(request.ImportId, import => import.IsFinished || import.Stages is [_, { BytesDone: > 0 }, ..], cancellationToken);
        if (cancelled) await Queue.CancelAsync(request.ImportId, cancellationToken);

        var import = await EndOf(request.ImportId, cancellationToken);

        AssertRefused(import, cancelled ? ImportError.Cancelled : ImportError.TimedOut);
    }
}
