using System.Security.Cryptography;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>The Stage call and its relatives, through the real daemon over its Unix socket.</summary>
internal sealed class StageTests : SidecarTest
{
    [Test]
    public async Task Stage_WholeImage_IsReadBackAsItWas([Values(0, 1, 5_000_000)] int size)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, "--Staging:Digests:0", "sha256");
        var (id, content) = (NewId(), Content(size));
        var image = await StageAsync(sidecar, id, content);
        Assert.That(image.Size, Is.EqualTo((ulong)size));
        Assert.That(image.Digests["sha256"], Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(content))));
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
        Assert.That(await File.ReadAllBytesAsync(image.Path, Deadline), SameBytes.As(content));
        Assert.That(image.Path, Is.EqualTo(Path.Combine(directory.Staging, id)), "Glance's own layout");
    }

    [Test]
    public async Task ReadImage_PartOfIt_GivesJustThat()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, content) = (NewId(), Content(3_000_000));
        await StageAsync(sidecar, id, content);
        Assert.That(await ReadAsync(sidecar, id, "", 1_000_001, 1_500_000), SameBytes.As(content[1_000_001..2_500_001]));
        Assert.That(await ReadAsync(sidecar, id, "", 3_000_000), Is.Empty);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(sidecar, id, "", 3_000_001));
        Assert.That(Number(AssertRefused(refusal, StatusCode.OutOfRange, "OFFSET_MISMATCH"), "offset"), Is.EqualTo(3_000_000));
    }

    [Test]
    public async Task Stage_ImageIdThatIsNone_IsInvalidEverywhere()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        foreach (var id in (string[])["", "..", "../../etc/passwd", NewId() + "\n", NewId() + "/x", "{" + NewId() + "}"])
        {
            using (Assert.EnterMultipleScope())
            {
                Func<Task>[] calls =
                [
                    async () => await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = id }),
                    async () => await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id }),
                    async () => await sidecar.Staging.AbortUploadAsync(new AbortUploadRequest { ImageId = id }),
                    async () => await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id }),
                    async () => await sidecar.Staging.AdoptFileAsync(new AdoptFileRequest { ImageId = id, Path = "/x" }),
                    async () => await ReadAsync(sidecar, id),
                    async () => await StageAsync(sidecar, id, [1]),
                    async () =>
                    {
                        using var call = sidecar.Imports.RunImport(new RunImportRequest { ImageId = id });
                        await call.ResponseStream.MoveNext(Deadline);
                    },
                ];
                foreach (var call in calls)
                {
                    AssertRefused(
                        await Assert.ThrowsAsync<RpcException>(() => call()), StatusCode.InvalidArgument, "INVALID_IMAGE_ID");
                }
            }
        }
    }

    [Test]
    public async Task Stage_DamagedChunk_IsRefusedAndTheUploadGoesOn()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, content) = (NewId(), Content(600_000));
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.HeaderAsync(id);
            await stage.ChunkAsync(content.AsMemory(0, 500_000), 0);
            await stage.ChunkAsync(content.AsMemory(500_000), 500_000, crc32C: 1);
            var facts = AssertRefused(
                await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.DataLoss, "CHUNK_CORRUPT");
            Assert.That(Number(facts, "offset"), Is.EqualTo(500_000));
        }

        using var resumed = new StageStream(sidecar.Uploads, Deadline);
        await resumed.HeaderAsync(id, resumeOffset: 500_000);
        await resumed.ContentAsync(content.AsMemory(500_000));
        await resumed.FinishAsync(600_000, ("sha512", Convert.ToHexStringLower(SHA512.HashData(content))));
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
    }

    [Test]
    public async Task Stage_ResumeAtTheWrongOffset_NamesTheTrueOne()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var id = NewId();
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.HeaderAsync(id);
            await stage.ChunkAsync(new byte[1000]);
            await stage.CompleteAsync();
            var facts = AssertRefused(
                await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.FailedPrecondition, "UNFINISHED");
            Assert.That(Number(facts, "offset"), Is.EqualTo(1000));
        }

        using var wrong = new StageStream(sidecar.Uploads, Deadline);
        await wrong.HeaderAsync(id, resumeOffset: 999);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => wrong.Result);
        Assert.That(Number(AssertRefused(refusal, StatusCode.OutOfRange, "OFFSET_MISMATCH"), "offset"), Is.EqualTo(1000));
    }

    [Test]
    public async Task Stage_SecondWriter_FencesTheFirst()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, content) = (NewId(), Content(2_000_000));
        using var first = new StageStream(sidecar.Uploads, Deadline);
        await first.HeaderAsync(id);
        await first.ContentAsync(content.AsMemory(0, 1_000_000));
        await ReceivedAsync(sidecar, id, 1_000_000);
        using var second = new StageStream(sidecar.Uploads, Deadline);
        await second.HeaderAsync(id, resumeOffset: 1_000_000);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => first.Result), StatusCode.Aborted, "UPLOAD_TAKEN_OVER");
        await second.ContentAsync(content.AsMemory(1_000_000));
        await second.FinishAsync(2_000_000);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
    }

    [Test]
    public async Task Stage_CallerHangsUp_LeavesAResumableUpload()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, content) = (NewId(), Content(2_000_000));
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.HeaderAsync(id, 2_000_000);
            await stage.ContentAsync(content.AsMemory(0, 1_500_000));
            await ReceivedAsync(sidecar, id, 1_500_000);
        }

        Assert.That(File.Exists(Path.Combine(directory.Staging, id)), Is.False, "never visible as an image");
        using var resumed = new StageStream(sidecar.Uploads, Deadline);
        await resumed.HeaderAsync(id, resumeOffset: 1_500_000);
        await resumed.ContentAsync(content.AsMemory(1_500_000));
        await resumed.FinishAsync(2_000_000);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
    }

    [Test]
    public async Task Stage_CallerGoesSilent_IsEndedAndKept()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, "--Staging:IdleTimeout", "00:00:01");
        var id = NewId();
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(id);
        await stage.ChunkAsync(new byte[10]);
        var facts = AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.DeadlineExceeded, "IDLE_TIMEOUT");
        Assert.That(Number(facts, "offset"), Is.EqualTo(10));
        Assert.That((await ReceivedAsync(sidecar, id, 10)).ReceivedOffset, Is.EqualTo(10));
    }

    [Test]
    public async Task Stage_MessagesOutOfOrder_AreInvalid()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var header = new StageRequest { Header = new StageHeader { ImageId = NewId() } };
        StageRequest[][] streams =
        [
            [], [new StageRequest()], [new StageRequest { Chunk = new StageChunk() }], [header, header],
            [header, new StageRequest()],
        ];
        foreach (var messages in streams)
        {
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            foreach (var message in messages) await stage.SendAsync(message);
            await stage.CompleteAsync();
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.InvalidArgument, "INVALID_REQUEST");
        }
    }

    [Test]
    public async Task Stage_WrongDigest_IsNeverCommitted()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var id = NewId();
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(id);
        await stage.ChunkAsync(new byte[10]);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => stage.FinishAsync(10, ("md5", new string('0', 32)))),
            StatusCode.FailedPrecondition, "DIGEST_MISMATCH");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = id })),
            StatusCode.NotFound, "IMAGE_NOT_FOUND");
    }

    [Test]
    public async Task DeleteImage_WhileItIsUploaded_EndsTheUpload()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var id = NewId();
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(id);
        await stage.ChunkAsync(new byte[1000]);
        await ReceivedAsync(sidecar, id, 1000);
        var deleted = await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id });
        Assert.That((deleted.Existed, deleted.FreedBytes), Is.EqualTo((true, 1000ul)));
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.Aborted, "UPLOAD_ABORTED");
    }

    [Test]
    public async Task ListImagesAndUploads_AfterSomeOfEach_ShowThem()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (staged, uploading) = (NewId(), NewId());
        await StageAsync(sidecar, staged, new byte[10]);
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(uploading, 20);
        await stage.ChunkAsync(new byte[5]);
        await ReceivedAsync(sidecar, uploading, 5);
        var images = await sidecar.Staging.ListImages(new ListImagesRequest()).ResponseStream.ReadAllAsync(Deadline).ToListAsync(Deadline);
        var uploads = await sidecar.Staging.ListUploads(new ListUploadsRequest()).ResponseStream.ReadAllAsync(Deadline).ToListAsync(Deadline);
        Assert.That(images.Select(image => image.ImageId), Is.EqualTo([staged]));
        Assert.That(uploads.Select(upload => (upload.ImageId, upload.DeclaredSize, upload.State)),
            Is.EqualTo([(uploading, 20ul, Upload.Types.State.Receiving)]));
        var capacity = await sidecar.Staging.GetCapacityAsync(new GetCapacityRequest());
        Assert.That((capacity.StagedImages, capacity.StagedBytes, capacity.ActiveUploads, capacity.ReservedBytes),
            Is.EqualTo((1ul, 10ul, 1ul, 15ul)));
    }

    [Test]
    public async Task Stage_SixteenAtOnce_AllArriveWhole()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, "--Staging:Digests:0", "sha256");
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
        {
            var content = Content(3_000_000 + i, i);
            var image = await StageAsync(sidecar, NewId(), content);
            Assert.That(image.Digests["sha256"], Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(content))));
        }));
    }
}
