using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>GetUpload, asked of any pod.</summary>
internal sealed class FindUploadTests : ClusterTest
{
    [Test]
    public async Task GetUpload_AskedAnywhere_FindsTheOneThatIsReceived()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var id = NewId();
        await SuspendAsync(cluster[0], id, 100);
        using var stage = new StageStream(cluster[1].Uploads, Deadline);
        await stage.HeaderAsync(id);
        await stage.ChunkAsync(new byte[50]);
        await UntilAsync(() => FindAsync(cluster[1], id), upload => upload.ReceivedOffset == 50);
        foreach (var pod in cluster.Running)
        {
            var found = await FindAsync(pod, id);
            Assert.That(
                (found.Owner, found.State, found.ReceivedOffset),
                Is.EqualTo(("glance-1", Upload.Types.State.Receiving, 50ul)));
        }
    }

    [Test]
    public async Task GetUpload_ReservedOnAnotherPod_ComesBeforeASuspendedOne()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var id = NewId();
        await SuspendAsync(cluster[0], id, 100);
        using (await ReserveStream.OpenAsync(cluster[1], id, 10, Deadline))
        {
            var found = await FindAsync(cluster[0], id);
            Assert.That((found.Owner, found.State), Is.EqualTo(("glance-1", Upload.Types.State.Reserved)));
        }

        await UntilAsync(() => FindAsync(cluster[1], id), upload => upload.Owner == "glance-0");
    }

    [Test]
    public async Task GetUpload_SeveralSuspended_IsTheLastActiveOne()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var id = NewId();
        await SuspendAsync(cluster[2], id, 10);
        await SuspendAsync(cluster[0], id, 20);
        var found = await FindAsync(cluster[1], id);
        Assert.That(
            (found.Owner, found.State, found.ReceivedOffset),
            Is.EqualTo(("glance-0", Upload.Types.State.Suspended, 20ul)));
    }

    [Test]
    public async Task GetUpload_APodIsDown_IsSaidToBeIncompleteUnlessOneIsActive()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var (nowhere, suspended, active) = (NewId(), NewId(), NewId());
        Assert.That(
            AssertRefused(await RefusalAsync(cluster[0], nowhere), StatusCode.NotFound, "UPLOAD_NOT_FOUND")["peers_asked"],
            Is.EqualTo("2"));
        await SuspendAsync(cluster[0], suspended, 10);
        using var held = await ReserveStream.OpenAsync(cluster[1], active, 10, Deadline);
        await cluster.KillPodAsync(2);
        foreach (var id in new[] { nowhere, suspended })
        {
            var facts = AssertRefused(await RefusalAsync(cluster[0], id), StatusCode.Unavailable, "LOCATE_INCOMPLETE");
            Assert.That(facts["silent"], Is.EqualTo("glance-2"));
        }

        Assert.That((await FindAsync(cluster[0], active)).Owner, Is.EqualTo("glance-1"));
    }

    [Test]
    public async Task GetUpload_Forwarded_IsAnsweredFromTheLocalTable()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var id = NewId();
        await SuspendAsync(cluster[0], id, 10);
        var request = new GetUploadRequest
        {
            ImageId = id, Forwarded = new Forwarded { By = "glance-9", Instance = "other" },
        };
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await cluster[1].Staging.GetUploadAsync(request)),
            StatusCode.NotFound, "UPLOAD_NOT_FOUND");
        Assert.That((await cluster[0].Staging.GetUploadAsync(request)).ReceivedOffset, Is.EqualTo(10));
    }

    private static async Task SuspendAsync(SidecarInstance pod, string id, int bytes)
    {
        using var stage = new StageStream(pod.Uploads, Deadline);
        await stage.HeaderAsync(id);
        await stage.ChunkAsync(new byte[bytes]);
        await stage.CompleteAsync();
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.FailedPrecondition, "UNFINISHED");
    }

    private static async Task<Upload> FindAsync(SidecarInstance pod, string id) =>
        await pod.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });

    private static Task<RpcException?> RefusalAsync(SidecarInstance pod, string id) =>
        Assert.ThrowsAsync<RpcException>(() => FindAsync(pod, id));
}
