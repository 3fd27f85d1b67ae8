using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Deletions reach every pod, also those that were not there.</summary>
internal sealed class DeleteEverywhereTests : ClusterTest
{
    private readonly string _id = NewId();

    [TestCase(false)]
    [TestCase(true)]
    public async Task DeleteImage_WhileAPeerIsDown_IsToldWhenItIsBack(bool restartTheTeller)
    {
        await using var cluster = await Cluster.StartAsync(2);
        await StageAsync(cluster[1], _id, Content(1000));
        await cluster.KillPodAsync(1);
        var deleted = await cluster[0].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id });
        Assert.That((deleted.Existed, deleted.PendingPeers), Is.EqualTo((false, new[] { "glance-1" })));
        if (restartTheTeller)
        {
            await cluster.KillPodAsync(0);
            await cluster.StartPodAsync(0);
        }

        Assert.That(await MetricAsync(cluster[0], "glance_staging_tombstones"), Is.EqualTo(1));
        var back = await cluster.StartPodAsync(1);
        await UntilAsync(() => ImagesAsync(back), images => images.Count == 0);
        await LoggedAsync(cluster[0], "Peer glance-1 was notified of 1 deletions");
    }

    [Test]
    public async Task HandOver_OfAnImageThatWasDeletedMeanwhile_IsRefused([Values] bool restarted)
    {
        await using var cluster = await Cluster.StartAsync(2);
        var committed = await StageAsync(cluster[1], _id, Content(1000));
        await cluster[1].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id });
        if (restarted)
        {
            await cluster.KillPodAsync(0);
            await cluster.StartPodAsync(0);
        }

        // As a pod does that was away when the others were told, and drains before it is told itself.
        var refused = await Assert.ThrowsAsync<RpcException>(() => HandOverAsync(cluster[0], committed));
        AssertRefused(refused, StatusCode.Aborted, "UPLOAD_ABORTED");
        Assert.That(await ImagesAsync(cluster[0]), Is.Empty);
        committed.CommittedAt = Timestamp.FromDateTime(DateTime.UtcNow);
        await HandOverAsync(cluster[0], committed);
        Assert.That(await ImagesAsync(cluster[0]), Is.EqualTo(new[] { _id }), "what was staged since is taken");
    }

    [Test]
    public async Task DeleteImage_ThatCannotBeToldNorNoted_IsNotAcknowledged()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await StageAsync(cluster[1], _id, Content(1000));
        await cluster.KillPodAsync(1);
        cluster[0].ExpectsErrors = true; // it says that it cannot note the deletion
        var request = new DeleteImageRequest { ImageId = _id, DeletedAt = Timestamp.FromDateTime(DateTime.UtcNow) };
        using (Mount.OfSize(Tombstones(cluster, 0), 4096))
        {
            File.WriteAllBytes(Path.Combine(Tombstones(cluster, 0), "ballast"), new byte[4096]);
            for (var time = 0; time < 2; time++)
            {
                var refused = await Assert.ThrowsAsync<RpcException>(async () => await cluster[0].Staging.DeleteImageAsync(request));
                AssertRefused(refused, StatusCode.ResourceExhausted, "NO_SPACE");
            }
        }

        var deleted = await cluster[0].Staging.DeleteImageAsync(request);
        Assert.That(deleted.PendingPeers, Is.EqualTo(new[] { "glance-1" }));
        await cluster.KillPodAsync(0);
        await cluster.StartPodAsync(0);
        var back = await cluster.StartPodAsync(1);
        await UntilAsync(() => ImagesAsync(back), images => images.Count == 0);
    }

    [Test]
    public async Task DeleteImage_ToldToAPeerWhoseVolumeIsFull_IsToldAgainUntilItIsNoted()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await StageAsync(cluster[1], _id, Content(1000));
        cluster[1].ExpectsErrors = true;
        using (Mount.OfSize(Tombstones(cluster, 1), 4096))
        {
            File.WriteAllBytes(Path.Combine(Tombstones(cluster, 1), "ballast"), new byte[4096]);
            var deleted = await cluster[0].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id });
            Assert.That(deleted.PendingPeers, Is.EqualTo(new[] { "glance-1" }));
            Assert.That(await ImagesAsync(cluster[1]), Is.Empty, "it is deleted there all the same");
        }

        await LoggedAsync(cluster[0], "Peer glance-1 was notified of 1 deletions");
        Assert.That(File.Exists(Path.Combine(Tombstones(cluster, 1), _id)));
    }

    [Test]
    public async Task StagedAgain_AfterTheDeletion_SurvivesItsTombstone()
    {
        await using var cluster = await Cluster.StartAsync(3);
        await StageAsync(cluster[1], _id, Content(1000));
        await cluster.KillPodAsync(1);
        await cluster[0].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id });
        await StageAsync(cluster[2], _id, Content(500, seed: 2));
        // The pod that deleted is away while the image is staged on the third one as well.
        await cluster.KillPodAsync(0);
        await cluster.StartPodAsync(0);
        await LoggedAsync(cluster[0], "Peer glance-2 at");
        var back = await cluster.StartPodAsync(1);
        await UntilAsync(() => ImagesAsync(back), images => images.Count == 0);
        Assert.That(await ReadAsync(back, _id), Is.EqualTo(Content(500, seed: 2)), "asked at the pod that lost its old copy");
    }

    [Test]
    public async Task StagedAgain_AfterADeletionByAClockThatIsAhead_Survives()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await cluster.KillPodAsync(1);
        var tomorrow = Timestamp.FromDateTime(DateTime.UtcNow.AddDays(1));
        await cluster[0].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id, DeletedAt = tomorrow });
        await cluster.KillPodAsync(0);
        await StageAsync(await cluster.StartPodAsync(1), _id, Content(1000));
        await cluster.StartPodAsync(0);
        await LoggedAsync(cluster[0], "Peer glance-1 was notified of 1 deletions");
        Assert.That(await ImagesAsync(cluster[1]), Is.EqualTo(new[] { _id }));
    }

    [Test]
    public async Task DeleteImage_OfAnImageThatWasFirstCommittedByAClockThatIsAhead_RemovesIt()
    {
        await using var cluster = await Cluster.StartAsync(1);
        using var stage = new StageStream(cluster[0].Uploads, Deadline);
        await stage.SendAsync(new StageRequest
        {
            Header = new StageHeader
            {
                ImageId = _id, HandedOverBy = "glance-9", FirstCommittedAt = Timestamp.FromDateTime(DateTime.UtcNow.AddDays(1)),
            },
        });
        await stage.FinishAsync(0);
        var now = Timestamp.FromDateTime(DateTime.UtcNow);
        var deleted = await cluster[0].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id, DeletedAt = now });
        Assert.That(deleted.Existed, Is.True);
    }

    [Test]
    public async Task DeleteImage_ToldLate_LeavesANewerUploadAlone()
    {
        await using var cluster = await Cluster.StartAsync(1);
        using var stage = new StageStream(cluster[0].Uploads, Deadline);
        await stage.HeaderAsync(_id, 10);
        await stage.ChunkAsync(Content(5));
        var upload = await ReceivedAsync(cluster[0], _id, 5);
        var request = new DeleteImageRequest
        {
            ImageId = _id, Forwarded = new Forwarded { By = "glance-9", Instance = "other" },
            DeletedAt = Timestamp.FromDateTime(upload.StartedAt.ToDateTime().AddTicks(-1)),
        };
        Assert.That((await cluster[0].Staging.DeleteImageAsync(request)).Existed, Is.False);
        await stage.ChunkAsync(Content(5));
        Assert.That((await stage.FinishAsync(10)).Size, Is.EqualTo(10));
        request.DeletedAt = upload.StartedAt;
        Assert.That((await cluster[0].Staging.DeleteImageAsync(request)).Existed, Is.False, "the commit is newer too");
        request.DeletedAt = null;
        Assert.That((await cluster[0].Staging.DeleteImageAsync(request)).Existed, Is.True);
    }

    [Test]
    public async Task DeleteImage_OnlyHere_TellsNobody()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await StageAsync(cluster[1], _id, Content(10));
        await cluster[0].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id, OnlyHere = true });
        Assert.That(await ImagesAsync(cluster[1]), Is.EqualTo(new[] { _id }));
        Assert.That(await MetricAsync(cluster[0], "glance_staging_tombstones"), Is.Zero);
    }

    [Test]
    public async Task Start_WithATombstoneThatCannotBeRead_RemovesItAndGoesOn()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await cluster[0].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id });
        var tombstones = Path.Combine(cluster.Staging(0), ".sidecar", "tombstones");
        Assert.That(Directory.EnumerateFiles(tombstones).Select(Path.GetFileName), Is.EqualTo(new[] { _id }));
        await cluster.KillPodAsync(0);
        await File.WriteAllTextAsync(Path.Combine(tombstones, NewId()), "{\"deleted_at\":", Deadline);
        await cluster.StartPodAsync(0);
        await LoggedAsync(cluster[0], "cannot be understood and is set aside", 1);
        Assert.That(Directory.EnumerateFiles(tombstones).Select(Path.GetFileName), Is.EqualTo(new[] { _id }));
    }

    private static string Tombstones(Cluster cluster, int pod)
    {
        var directory = Path.Combine(cluster.Staging(pod), ".sidecar", "tombstones");
        Directory.CreateDirectory(directory);
        return directory;
    }

    private static async Task HandOverAsync(SidecarInstance receiver, StagedImage image)
    {
        using var stage = new StageStream(receiver.Uploads, Deadline);
        var header = new StageHeader { ImageId = image.ImageId, HandedOverBy = "glance-9", FirstCommittedAt = image.CommittedAt };
        await stage.SendAsync(new StageRequest { Header = header });
        await stage.ContentAsync(Content(1000));
        await stage.FinishAsync(1000);
    }
}
