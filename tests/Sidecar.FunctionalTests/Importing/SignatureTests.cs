using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>Signed images, by the daemon that owns them, by another, and by one that was restarted.</summary>
internal sealed class SignatureTests : ClusterTest
{
    [Test]
    public async Task RunImport_ThroughAnotherPod_BringsTheSignatureToTheOwner()
    {
        await using var cluster = await Cluster.StartAsync(2);
        using var directory = TestDirectory.Create();
        var (id, disk, signer) = (NewId(), await SlowTool.DiskAsync(directory, Deadline), new ImageSigner(directory.Path, "ECC_SECT571K1"));
        await StageAsync(cluster[1], id, disk);
        var request = Request(id, signer, disk, "SHA-224");

        var last = (await RunAsync(cluster[0], request))[^1];
        var wrong = await Assert.ThrowsAsync<RpcException>(() => RunAsync(cluster[0], Request(id, signer, [.. disk, 0], "SHA-224")));

        Assert.That((last.Owner, last.Result.Signature, last.Result.DiskFormat), Is.EqualTo(("glance-1", SignatureOutcome.OfInput, "raw")));
        Assert.That(last.Result.Properties["img_signature_verified_with"], Is.EqualTo(signer.CertificateUuid));
        Assert.That(
            last.Stages.Select(stage => (stage.Name, stage.State)), Has.Member(("image_signature_verification", StageProgress.Types.State.Succeeded)));
        AssertRefused(wrong, StatusCode.FailedPrecondition, "SIGNATURE_INVALID");
    }

    [Test]
    public async Task RunImport_WithHalfASignature_DoesNotBegin()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var id = NewId();
        await StageAsync(sidecar, id, Content(1000));
        var request = new RunImportRequest { ImageId = id, Signature = new ImageSignature { Signature = "AAAA", KeyType = "DSA" } };

        var refusal = await Assert.ThrowsAsync<RpcException>(() => RunAsync(sidecar, request));

        var facts = AssertRefused(refusal, StatusCode.InvalidArgument, "SIGNATURE_MALFORMED");
        Assert.That(facts["missing"], Is.EqualTo("img_signature_hash_method,img_signature_certificate_uuid"));
        Assert.That(
            await sidecar.Imports.ListImports(new ListImportsRequest { ImageId = id }).ResponseStream.ReadAllAsync(Deadline).CountAsync(Deadline),
            Is.Zero);
    }

    [Test]
    public async Task DaemonKilled_InMidConversion_VerifiesAgainWhenTheImportRunsAgain()
    {
        using var directory = TestDirectory.Create();
        var (tool, id, signer) = (new SlowTool(directory), NewId(), new ImageSigner(directory.Path));
        var disk = await SlowTool.DiskAsync(directory, Deadline);
        var request = Request(id, signer, disk, "SHA-256");
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path, tool.Settings))
        {
            await StageAsync(sidecar, id, disk);
            var run = RunAsync(sidecar, request);
            await tool.StartedAsync(Deadline);
            sidecar.Signal("KILL");
            await Assert.ThrowsAsync<RpcException>(() => run);
            await sidecar.ExitAsync();
        }

        tool.BeFast();
        await using var restarted = await SidecarInstance.StartAsync(directory.Path, tool.Settings);
        var unsigned = request.Clone();
        unsigned.Signature = null;
        var differs = await Assert.ThrowsAsync<RpcException>(() => RunAsync(restarted, unsigned));
        var last = (await RunAsync(restarted, request))[^1];

        AssertRefused(differs, StatusCode.AlreadyExists, "REQUEST_DIFFERS");
        Assert.That((last.State, last.Result.Signature), Is.EqualTo((ImportMessage.Types.State.Succeeded, SignatureOutcome.OfInput)));
    }

    private static RunImportRequest Request(string id, ImageSigner signer, byte[] content, string hash) => new()
    {
        ImageId = id, ImportId = NewId(), DiskFormat = "qcow2",
        Signature = new ImageSignature
        {
            Signature = signer.Sign(content, hash), HashMethod = hash, KeyType = signer.KeyType,
            CertificateUuid = signer.CertificateUuid, Certificate = ByteString.CopyFrom(signer.Certificate),
        },
    };
}
