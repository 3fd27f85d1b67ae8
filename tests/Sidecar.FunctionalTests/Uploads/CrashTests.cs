using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>The daemon ends in the middle of things, or its disk fails, and nothing that was promised is lost.</summary>
internal sealed class CrashTests : SidecarTest
{
    [Test]
    public async Task KilledInMidUpload_AfterRestart_GoesOnWhereItWas()
    {
        using var directory = TestDirectory.Create();
        var (id, content) = (NewId(), Content(40_000_000));
        ulong received;
        await using (var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Staging:DurableIntervalBytes", "1048576"))
        {
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            await stage.HeaderAsync(id, (ulong)content.Length);
            await stage.ContentAsync(content.AsMemory(0, 30_000_000));
            received = (await ReceivedAsync(sidecar, id, 30_000_000)).ReceivedOffset;
            await sidecar.KillAsync();
        }

        Assert.That(File.Exists(Path.Combine(directory.Staging, id)), Is.False);
        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        var upload = await restarted.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        Assert.That(upload.ReceivedOffset, Is.EqualTo(received), "the page cache outlives the process");
        Assert.That(upload.State, Is.EqualTo(Upload.Types.State.Suspended));
        using var resumed = new StageStream(restarted.Uploads, Deadline);
        await resumed.HeaderAsync(id, resumeOffset: received);
        await resumed.ContentAsync(content.AsMemory((int)received));
        await resumed.FinishAsync((ulong)content.Length);
        Assert.That(await ReadAsync(restarted, id), SameBytes.As(content));
    }

    [Test]
    public async Task Terminated_InMidUpload_TellsTheCallerAndKeepsTheOffset()
    {
        using var directory = TestDirectory.Create();
        var (id, content) = (NewId(), Content(3_000_000));
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path))
        {
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            await stage.HeaderAsync(id);
            await stage.ContentAsync(content.AsMemory(0, 2_000_000));
            await ReceivedAsync(sidecar, id, 2_000_000);
            var exit = sidecar.TerminateAsync();
            AssertRefused(await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.Unavailable, "DRAINING");
            Assert.That(await exit, Is.Zero);
        }

        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        var upload = await restarted.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        Assert.That((upload.ReceivedOffset, upload.DurableOffset), Is.EqualTo((2_000_000ul, 2_000_000ul)));
        using var resumed = new StageStream(restarted.Uploads, Deadline);
        await resumed.HeaderAsync(id, resumeOffset: 2_000_000);
        await resumed.ContentAsync(content.AsMemory(2_000_000));
        await resumed.FinishAsync(3_000_000);
        Assert.That(await ReadAsync(restarted, id), SameBytes.As(content));
    }

    [Test]
    public async Task Killed_AfterTheCommit_KeepsTheImage()
    {
        using var directory = TestDirectory.Create();
        var (id, content) = (NewId(), Content(1_000_000));
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path))
        {
            await StageAsync(sidecar, id, content);
            await sidecar.KillAsync();
        }

        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        Assert.That(await ReadAsync(restarted, id), SameBytes.As(content));
    }

    [Test]
    public async Task KilledAtEachStepOfACommit_LeavesAnImageOrAResumableUpload(
        [Values("fsync", "renameat2", "rename", "unlink")] string call)
    {
        using var directory = TestDirectory.Create();
        var (id, content) = (NewId(), Content(1_000_000));
        // The n-th such call of the commit never returns: the kernel kills the process instead.
        for (var n = 1; n <= 3; n++)
        {
            await using (var sidecar = await SidecarInstance.StartAsync(directory.Path))
            {
                using var stage = new StageStream(sidecar.Uploads, Deadline);
                await ResumeOrBegin(sidecar, stage, id, content);
                using var strace = await Strace.AttachAsync(sidecar, $"{call}:signal=KILL:when={n}", Deadline);
                try
                {
                    await stage.FinishAsync((ulong)content.Length);
                    Assert.That(n, Is.GreaterThan(1), $"a commit makes at least one {call}");
                    await sidecar.KillAsync(); // fewer such calls on one thread than n
                }
                catch (RpcException killed) when (killed.StatusCode == StatusCode.Unavailable)
                {
                    await sidecar.ExitAsync();
                }
            }

            await using var restarted = await SidecarInstance.StartAsync(directory.Path);
            if (!File.Exists(Path.Combine(directory.Staging, id)))
            {
                using var stage = new StageStream(restarted.Uploads, Deadline);
                await ResumeOrBegin(restarted, stage, id, content);
                await stage.FinishAsync((ulong)content.Length);
            }

            Assert.That(await ReadAsync(restarted, id), SameBytes.As(content), $"{call} {n}");
            await restarted.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id });
            Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(directory.Staging, ".sidecar", "uploads")), Is.Empty);
            await restarted.TerminateAsync();
        }
    }

    [Test]
    public async Task FsyncError_KillsThatUploadForGoodAndNoOther()
    {
        using var directory = TestDirectory.Create();
        var (id, healthy) = (NewId(), NewId());
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path))
        {
            sidecar.ExpectsErrors = true;
            await StageAsync(sidecar, healthy, [1, 2, 3]);
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            await stage.HeaderAsync(id);
            await stage.ChunkAsync(new byte[1000]);
            await ReceivedAsync(sidecar, id, 1000);
            using (await Strace.AttachAsync(sidecar, "fsync:error=EIO:when=1", Deadline))
            {
                AssertRefused(
                    await Assert.ThrowsAsync<RpcException>(() => stage.FinishAsync(1000)), StatusCode.DataLoss, "DISK_FAILED");
            }

            using var again = new StageStream(sidecar.Uploads, Deadline);
            await again.HeaderAsync(id, resumeOffset: 1000);
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(() => again.Result), StatusCode.DataLoss, "DISK_FAILED");
            Assert.That(await ReadAsync(sidecar, healthy), Is.EqualTo(new byte[] { 1, 2, 3 }));
            await sidecar.KillAsync();
        }

        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        restarted.ExpectsErrors = true;
        var upload = await restarted.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        Assert.That(upload.State, Is.EqualTo(Upload.Types.State.Failed), "also after a restart");
        await StageAsync(restarted, id, [4]);
        Assert.That(await ReadAsync(restarted, id), Is.EqualTo(new byte[] { 4 }), "staging it again works");
    }

    private static async Task ResumeOrBegin(SidecarInstance sidecar, StageStream stage, string id, byte[] content)
    {
        var uploads = await sidecar.Staging.ListUploads(new ListUploadsRequest()).ResponseStream
            .ReadAllAsync(Deadline).ToListAsync(Deadline);
        var offset = uploads.SingleOrDefault()?.ReceivedOffset;
        await stage.HeaderAsync(id, resumeOffset: offset);
        await stage.ContentAsync(content.AsMemory((int)(offset ?? 0)));
        await ReceivedAsync(sidecar, id, (ulong)content.Length);
    }
}
