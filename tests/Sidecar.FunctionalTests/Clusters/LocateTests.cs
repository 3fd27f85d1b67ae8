using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Who has an image, and what is said when nobody has it or somebody is silent.</summary>
internal sealed class LocateTests : ClusterTest
{
    [Test]
    public async Task Locate_AskedAnywhere_NamesTheOwner()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var id = NewId();
        var staged = await StageAsync(cluster[1], id, Content(1000));
        foreach (var pod in new[] { 0, 1 })
        {
            var answer = await cluster[pod].Peers.LocateAsync(new LocateRequest { ImageId = id });
            Assert.That(answer.PeersAsked, Is.EqualTo(1));
            Assert.That(answer.Locations.Single(), Is.EqualTo(new Location
            {
                Owner = "glance-1", CommittedAt = staged.CommittedAt, Size = 1000,
            }));
        }
    }

    [Test]
    public async Task GetImage_ThatNobodyHas_IsNotFoundWhenAllAnsweredAndUnavailableWhenNot()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var request = new GetImageRequest { ImageId = NewId() };
        var facts = AssertRefused(
            await RefusalAsync(() => cluster[0].Staging.GetImageAsync(request)), StatusCode.NotFound, "IMAGE_NOT_FOUND");
        Assert.That(Number(facts, "peers_asked"), Is.EqualTo(2));

        await cluster.KillPodAsync(2);
        facts = AssertRefused(
            await RefusalAsync(() => cluster[0].Staging.GetImageAsync(request)), StatusCode.Unavailable, "LOCATE_INCOMPLETE");
        Assert.That((facts["silent"], facts["asked"]), Is.EqualTo(("glance-2", "2")));
        Assert.That(facts, Does.ContainKey("retry_after_seconds"));
        var import = new GetImportRequest { ImportId = NewId() };
        AssertRefused(
            await RefusalAsync(() => cluster[0].Imports.GetImportAsync(import)), StatusCode.Unavailable, "LOCATE_INCOMPLETE");

        await cluster.StartPodAsync(2);
        facts = AssertRefused(
            await RefusalAsync(() => cluster[0].Imports.GetImportAsync(import)), StatusCode.NotFound, "IMPORT_NOT_FOUND");
        Assert.That(Number(facts, "peers_asked"), Is.EqualTo(2));
        AssertRefused(
            await RefusalAsync(() => cluster[0].Staging.GetImageAsync(request)), StatusCode.NotFound, "IMAGE_NOT_FOUND");
    }

    [Test]
    public async Task GetImage_WhenOneOtherPeerIsDown_IsFoundAllTheSame()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var id = NewId();
        await StageAsync(cluster[1], id, Content(10));
        await cluster.KillPodAsync(2);
        Assert.That(
            (await cluster[0].Staging.GetImageAsync(new GetImageRequest { ImageId = id })).Owner, Is.EqualTo("glance-1"));
    }

    [Test]
    public async Task GetImage_WithAStaleHintOrMemory_IsFoundWhereItIs()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var id = NewId();
        await StageAsync(cluster[1], id, Content(10));
        var wrong = new GetImageRequest { ImageId = id, OwnerHint = "glance-2" };
        Assert.That((await cluster[0].Staging.GetImageAsync(wrong)).Owner, Is.EqualTo("glance-1"));
        // The memory of it grows stale, as the others are not told.
        await cluster[1].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id, OnlyHere = true });
        await StageAsync(cluster[2], id, Content(10));
        var request = new GetImageRequest { ImageId = id };
        Assert.That((await cluster[0].Staging.GetImageAsync(request)).Owner, Is.EqualTo("glance-2"));
    }

    [Test]
    public async Task GetImage_AnInvalidId_IsRefusedBeforeAnybodyIsAsked()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await cluster.KillPodAsync(1);
        AssertRefused(
            await RefusalAsync(() => cluster[0].Staging.GetImageAsync(new GetImageRequest { ImageId = "../etc" })),
            StatusCode.InvalidArgument, "INVALID_IMAGE_ID");
        AssertRefused(
            await RefusalAsync(() => cluster[0].Peers.LocateAsync(new LocateRequest { ImportId = "x" })),
            StatusCode.InvalidArgument, "INVALID_REQUEST");
    }

    [Test]
    public async Task Locate_Forwarded_TellsOnlyWhatIsHere()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var id = NewId();
        await StageAsync(cluster[1], id, Content(10));
        var request = new LocateRequest { ImageId = id, Forwarded = new Forwarded { By = "glance-9", Instance = "other" } };
        Assert.That((await cluster[0].Peers.LocateAsync(request)).Locations, Is.Empty);
        Assert.That((await cluster[1].Peers.LocateAsync(request)).Locations, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task GetImage_WhenAPeerDoesNotKnowLocate_IsNotSaidToBeNowhere()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await cluster.KillPodAsync(1);
        await using var old = await FakePeer.StartAsync(cluster.Address(1), "glance-1");
        await UntilAsync(
            async () => await cluster[0].Peers.ListPeersAsync(new ListPeersRequest()), answer => answer.Peers[0].Version == "0");
        var facts = AssertRefused(
            await RefusalAsync(() => cluster[0].Staging.GetImageAsync(new GetImageRequest { ImageId = NewId() })),
            StatusCode.Unavailable, "LOCATE_INCOMPLETE");
        Assert.That(facts["silent"], Is.EqualTo("glance-1"));
    }

    private static Task<RpcException?> RefusalAsync<T>(Func<AsyncUnaryCall<T>> call) =>
        Assert.ThrowsAsync<RpcException>(async () => await call());
}
