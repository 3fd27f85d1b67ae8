using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>
/// Files that cannot be removed for a while. A mount over one makes its removal fail as a disk does that is away, and
/// nothing else.
/// </summary>
internal sealed class LeftoverTests : SidecarTest
{
    private static readonly byte[] Older = Content(2_200_000, seed: 1);
    private static readonly byte[] Newer = Content(300_000, seed: 2);

    [Test]
    public async Task Upload_ThatCannotBeRemoved_StaysListed_AndLendsNoByteToTheNextOne()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var id = NewId();
        await SuspendAsync(sidecar, id, Older);
        using (Busy(directory, id, "data"))
        {
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(async () =>
                    await sidecar.Staging.AbortUploadAsync(new AbortUploadRequest { ImageId = id })),
                StatusCode.DataLoss, "DISK_FAILED");
            // Who asked is told what failed, and the log which file.
            await sidecar.LoggedAsync(Path.Combine(".sidecar", "uploads", id, "data"), Deadline);
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(async () => await StageAsync(sidecar, id, Newer)),
                StatusCode.DataLoss, "DISK_FAILED");
            var listed = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
            Assert.That(listed.State, Is.EqualTo(Upload.Types.State.Failed));
        }

        await StageAsync(sidecar, id, Newer);

        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(Newer));
        Assert.That(new FileInfo(Path.Combine(directory.Path, "staging", id)).Length, Is.EqualTo(Newer.Length));
    }

    [Test]
    public async Task Commit_WhoseRemainsCannotBeRemoved_IsACommit()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        sidecar.ExpectsErrors = true;
        var id = NewId();
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.HeaderAsync(id, (ulong)Newer.Length);
            await stage.ContentAsync(Newer);
            await ReceivedAsync(sidecar, id, (ulong)Newer.Length);
            using var busy = Busy(directory, id, "journal");
            Assert.That((await stage.FinishAsync((ulong)Newer.Length)).Size, Is.EqualTo((ulong)Newer.Length));
        }

        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(Newer));
        await sidecar.LoggedAsync("\"EventId\":2016", Deadline);
        await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id });
        await StageAsync(sidecar, id, Older);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(Older));
    }

    [Test]
    public async Task Refusal_WhoseUploadCannotBeRemoved_LetsTheNextOneInAndHoldsNoSpace()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        sidecar.ExpectsErrors = true;
        var id = NewId();
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.SendAsync(new StageRequest
            {
                Header = new StageHeader { ImageId = id, DeclaredSize = 1 << 30, DiskFormat = "qcow2", ContainerFormat = "bare" },
            });
            await ReceivedAsync(sidecar, id, 0);
            using var busy = Busy(directory, id, "journal");
            // No qcow2, and enough to tell.
            await Assert.ThrowsAsync<RpcException>(async () =>
            {
                await stage.ContentAsync(Older);
                await stage.FinishAsync((ulong)Older.Length);
            });
        }

        await StageAsync(sidecar, id, Newer);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(Newer));
        var capacity = await sidecar.Staging.GetCapacityAsync(new GetCapacityRequest());
        Assert.That(capacity.ReservedBytes, Is.Zero);
    }

    private static async Task SuspendAsync(SidecarInstance sidecar, string id, byte[] content)
    {
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(id);
        await stage.ContentAsync(content);
        await stage.CompleteAsync();
        await Assert.ThrowsAsync<RpcException>(async () => await stage.Result);
    }

    private static Mount Busy(TestDirectory directory, string id, string file) =>
        Mount.Over(Path.Combine(directory.Path, "staging", ".sidecar", "uploads", id, file));
}
