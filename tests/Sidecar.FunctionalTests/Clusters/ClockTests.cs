using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>A peer whose clock is wrong tells of deletions and of images, and costs nobody an image.</summary>
internal sealed class ClockTests : ClusterTest
{
    private static readonly TimeSpan Ahead = TimeSpan.FromHours(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly string _id = NewId();

    [TestCase(1)]
    [TestCase(-1)]
    public async Task Deletion_ByAnotherClock_MeansWhatWasThereThen(int direction)
    {
        await using var cluster = await Cluster.StartAsync(2);
        await using var peer = await SkewedPeerAsync(cluster, Ahead * direction);
        var committed = (await StageAsync(cluster[0], _id, Content(1000))).CommittedAt.ToDateTime();
        Assert.That((await TellAsync(cluster[0], committed - Minute + Ahead * direction)).Existed, Is.False, "staged again since");
        Assert.That(await ImagesAsync(cluster[0]), Is.EqualTo(new[] { _id }));
        Assert.That((await TellAsync(cluster[0], committed + Minute + Ahead * direction)).Existed, Is.True);
    }

    [Test]
    public async Task Announcement_ByAnotherClock_TheNewerCopyStays()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await using var peer = await SkewedPeerAsync(cluster, Ahead);
        var committed = (await StageAsync(cluster[0], _id, Content(1000))).CommittedAt.ToDateTime();
        await AnnounceAsync(cluster, committed - Minute + Ahead);
        Assert.That(await MetricAsync(cluster[0], "glance_staging_duplicates_total{action=\"found\"}"), Is.Zero);
        await AnnounceAsync(cluster, committed + Minute + Ahead);
        Assert.That(await MetricAsync(cluster[0], "glance_staging_duplicates_total{action=\"found\"}"), Is.EqualTo(1));
    }

    [Test]
    public async Task Probe_ByAnotherClock_IsMeasuredAndToldInTheLog()
    {
        await using var cluster = await Cluster.StartAsync(2);
        Assert.That(
            await MetricAsync(cluster[0], "glance_staging_peer_clock_skew_seconds{peer=\"glance-1\"}"), Is.EqualTo(0).Within(60));
        Assert.That(Count(cluster[0], "The clock of peer"), Is.Zero, "one machine has one clock");
        await using var peer = await SkewedPeerAsync(cluster, Ahead);
        Assert.That(
            await MetricAsync(cluster[0], "glance_staging_peer_clock_skew_seconds{peer=\"glance-1\"}"), Is.EqualTo(3600).Within(60));
    }

    // In place of the second pod.
    private static async Task<FakePeer> SkewedPeerAsync(Cluster cluster, TimeSpan ahead)
    {
        await cluster.KillPodAsync(1);
        var peer = await FakePeer.StartAsync(cluster.Address(1), "glance-1", ahead);
        await LoggedAsync(cluster[0], "The clock of peer glance-1 is ");
        return peer;
    }

    private async Task<DeleteImageResponse> TellAsync(SidecarInstance pod, DateTime deletedAt) =>
        await pod.Staging.DeleteImageAsync(new DeleteImageRequest
        {
            ImageId = _id, Forwarded = new Forwarded { By = "glance-1", Instance = "fake" },
            DeletedAt = Timestamp.FromDateTime(deletedAt),
        });

    private async Task AnnounceAsync(Cluster cluster, DateTime committedAt)
    {
        using var channel = GrpcChannel.ForAddress($"http://{cluster.Address(0)}:{Cluster.PeerPort}");
        var commit = new Commit { ImageId = _id, CommittedAt = Timestamp.FromDateTime(committedAt) };
        await new Glance.Sidecar.V1.Peers.PeersClient(channel).AnnounceAsync(new AnnounceRequest
        {
            Forwarded = new Forwarded { By = "glance-1", Instance = "fake" }, Commits = { commit },
        });
    }
}
