using System.Buffers.Binary;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>Images that are judged before they are staged.</summary>
internal sealed class InspectTests : SidecarTest
{
    [Test]
    public async Task Inspect_FirstBytes_TellsOrRefuses()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, "--Import:MaxVirtualBytes", $"{1 << 30}");
        var request = new InspectRequest { Data = ByteString.CopyFrom(Qcow2(1 << 30)), DiskFormat = "qcow2" };
        Assert.That(
            await sidecar.Imports.InspectAsync(request),
            Is.EqualTo(new InspectResponse { DiskFormat = "qcow2", VirtualSize = 1 << 30 }));
        request.DiskFormat = "raw";
        var facts = await RefusedAsync(sidecar, request, StatusCode.FailedPrecondition, "FORMAT_MISMATCH");
        Assert.That((facts["claimed"], facts["detected"]), Is.EqualTo(("raw", "qcow2")));
        request = new InspectRequest { Data = ByteString.CopyFrom(Qcow2(1 << 30, backingFile: 8)) };
        facts = await RefusedAsync(sidecar, request, StatusCode.FailedPrecondition, "IMAGE_REFUSED");
        Assert.That(facts["check"], Is.EqualTo("qcow2_backing_file"));
        request = new InspectRequest { Data = ByteString.CopyFrom(Qcow2((1 << 30) + 512)) };
        await RefusedAsync(sidecar, request, StatusCode.FailedPrecondition, "VIRTUAL_SIZE_TOO_LARGE");
        Assert.That(
            await sidecar.Imports.InspectAsync(new InspectRequest { Complete = true }),
            Is.EqualTo(new InspectResponse { DiskFormat = "raw" }));
        request = new InspectRequest { DiskFormat = "pdf" };
        await RefusedAsync(sidecar, request, StatusCode.InvalidArgument, "INVALID_REQUEST");
    }

    [Test]
    public async Task Stage_BadImage_IsRefusedInItsFirstBytesAndNothingIsKept()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var id = NewId();
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        var header = new StageHeader { ImageId = id, DeclaredSize = 1ul << 30, DiskFormat = "qcow2" };
        await stage.SendAsync(new StageRequest { Header = header });
        await stage.ChunkAsync(Qcow2(1 << 30, backingFile: 8)); // and no more: it must not wait for the rest
        var facts = AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.FailedPrecondition, "IMAGE_REFUSED");
        Assert.That(facts["check"], Is.EqualTo("qcow2_backing_file"));
        var request = new GetUploadRequest { ImageId = id };
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.GetUploadAsync(request)),
            StatusCode.NotFound, "UPLOAD_NOT_FOUND");
    }

    [Test]
    public async Task Stage_ContentThatOnlyTheEndTells_IsRefusedAtTheFinish()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var content = Content(100_000);
        "conectix"u8.CopyTo(content.AsSpan(100_000 - 512));
        foreach (var (format, reason) in new[] { ("raw", "IMAGE_REFUSED"), ("qcow2", "FORMAT_MISMATCH") })
        {
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            await stage.SendAsync(
                new StageRequest { Header = new StageHeader { ImageId = NewId(), DiskFormat = format } });
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(async () =>
                {
                    await stage.ChunkAsync(content);
                    await stage.FinishAsync(100_000);
                }),
                StatusCode.FailedPrecondition, reason);
        }
    }

    [Test]
    public async Task Stage_GoodImageWithItsClaim_IsCommitted()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        var header = new StageHeader { ImageId = NewId(), DiskFormat = "qcow2", ContainerFormat = "bare" };
        await stage.SendAsync(new StageRequest { Header = header });
        await stage.ContentAsync(Qcow2(1 << 30));
        Assert.That((await stage.FinishAsync(64 << 10)).Size, Is.EqualTo(64 << 10));
    }

    [Test]
    public async Task AdoptFile_BadImage_IsLeftWhereItIs()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var file = Path.Combine(directory.Staging, "part");
        await File.WriteAllBytesAsync(file, Qcow2(1 << 30), Deadline);
        var request = new AdoptFileRequest { ImageId = NewId(), Path = file, DiskFormat = "vmdk" };
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.AdoptFileAsync(request)),
            StatusCode.FailedPrecondition, "FORMAT_MISMATCH");
        Assert.That(file, Does.Exist);
        request.DiskFormat = "qcow2";
        await sidecar.Staging.AdoptFileAsync(request);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task OddBootRecord_OfARawImage_IsTakenWhereTheClaimToleratesItsCheck(bool tolerated)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        string[] checks = tolerated ? ["mbr_hybrid"] : ["mbr_boot_flag"];
        var content = BootRecords.Hybrid();
        var file = Path.Combine(directory.Staging, "part");
        await File.WriteAllBytesAsync(file, content, Deadline);
        var header = new StageHeader { ImageId = NewId(), DiskFormat = "raw", ToleratedChecks = { checks } };
        var inspect = new InspectRequest { Data = ByteString.CopyFrom(content), DiskFormat = "raw", ToleratedChecks = { checks } };
        var adopt = new AdoptFileRequest { ImageId = NewId(), Path = file, DiskFormat = "raw", ToleratedChecks = { checks } };

        Func<Task>[] calls =
        [
            () => StageAsync(sidecar, header, content),
            async () => await sidecar.Imports.InspectAsync(inspect),
            async () => await sidecar.Staging.AdoptFileAsync(adopt),
        ];

        foreach (var call in calls)
        {
            if (tolerated) await call();
            else AssertRefused(await Assert.ThrowsAsync<RpcException>(call), StatusCode.FailedPrecondition, "IMAGE_REFUSED");
        }
    }

    [Test]
    public async Task ToleratedChecks_ThatAreNoNames_AreRefused()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);

        foreach (string[] names in (string[][])[["../x"], [""], [.. Enumerable.Repeat("mbr_hybrid", 1000)]])
        {
            var request = new InspectRequest { ToleratedChecks = { names } };
            var facts = await RefusedAsync(sidecar, request, StatusCode.InvalidArgument, "INVALID_REQUEST");
            Assert.That(facts["field"], Is.EqualTo("tolerated_checks"));
        }
    }

    private static async Task StageAsync(SidecarInstance sidecar, StageHeader header, byte[] content)
    {
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.SendAsync(new StageRequest { Header = header });
        await stage.ContentAsync(content);
        await stage.FinishAsync((ulong)content.Length);
    }

    private static byte[] Qcow2(long virtualSize, byte backingFile = 0)
    {
        var header = new byte[64 << 10];
        new byte[] { (byte)'Q', (byte)'F', (byte)'I', 0xfb, 0, 0, 0, 2 }.CopyTo(header, 0);
        header[15] = backingFile;
        header[23] = 16;
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(24), virtualSize);
        return header;
    }

    private static async Task<IDictionary<string, string>> RefusedAsync(
        SidecarInstance sidecar, InspectRequest request, StatusCode code, string reason) => AssertRefused(
        await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Imports.InspectAsync(request)), code, reason);
}
