using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Clusters;

internal sealed class PeersTests : ClusterTest
{
    [Test]
    public async Task ListPeers_OfThreePods_ShowsTheOtherTwo()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var answer = await cluster[1].Peers.ListPeersAsync(new ListPeersRequest());
        Assert.That(answer.Self.Name, Is.EqualTo("glance-1"));
        Assert.That(answer.Peers.Select(peer => peer.Name), Is.EqualTo(new[] { "glance-0", "glance-2" }));
        Assert.That(answer.Peers.Select(peer => peer.Capacity.AcceptsUploads), Has.All.True);
        Assert.That(answer.Peers.Select(peer => peer.Version), Has.All.EqualTo(answer.Self.Version));
    }

    [Test]
    public async Task ListPeers_WhenOneIsKilled_ShowsWhyUntilItIsBack()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await cluster.KillPodAsync(1);
        var lost = await PeerAsync(cluster[0], peer => !peer.Reachable);
        Assert.That(lost.Failure, Does.Contain(cluster.Address(1)));
        await cluster.StartPodAsync(1);
        var back = await PeerAsync(cluster[0], peer => peer.Reachable);
        Assert.That(back.Instance, Is.Not.EqualTo(lost.Instance));
        Assert.That(back.Since, Is.GreaterThan(lost.Since));
    }

    [Test]
    public async Task ListPeers_AfterACallThatFailed_ShowsItWithoutWaitingForTheNextProbe()
    {
        await using var cluster = Cluster.Create(
            2, (cluster, pod) =>
            [
                "--Peers:AllowPlaintext", "true", "--Peers:Static:0",
                $"{Cluster.Name(1 - pod)}={cluster.Address(1 - pod)}:{Cluster.PeerPort}",
            ],
            "--Peers:ProbeInterval", "01:00:00");
        // In this order, so that the first probe of the second finds the first.
        await cluster.StartPodAsync(1);
        var asked = await cluster.StartPodAsync(0);
        await cluster.UntilAsync(0, 1, peer => peer.Reachable);
        await cluster.KillPodAsync(1);
        var request = new GetImageRequest { ImageId = NewId(), OwnerHint = Cluster.Name(1) };
        await Assert.ThrowsAsync<RpcException>(async () => await asked.Staging.GetImageAsync(request));
        await cluster.UntilAsync(0, 1, peer => !peer.Reachable);
    }

    [Test]
    public async Task ListPeers_OfPodsOfTwoGroups_ShowsOnlyThoseOfItsOwn()
    {
        var groups = new[] { "site-external", "site-internal", "edge", "" };
        await using var cluster = Cluster.Create(
            groups.Length, (cluster, pod) =>
            [
                "--Peers:AllowPlaintext", "true", "--Peers:Group", groups[pod], "--Peers:ProbeInterval", "00:00:00.200",
                .. Enumerable.Range(0, groups.Length).SelectMany(other => new[]
                {
                    $"--Peers:Static:{other}", $"{Cluster.Name(other)}={cluster.Address(other)}:{Cluster.PeerPort}",
                }),
            ]);
        for (var pod = 0; pod < groups.Length; pod++) await cluster.StartPodAsync(pod);
        await UntilPeersAsync(cluster[0], "glance-1", "glance-3");
        await UntilPeersAsync(cluster[1], "glance-0", "glance-3");
        await UntilPeersAsync(cluster[2], "glance-3");
        await UntilPeersAsync(cluster[3], "glance-0", "glance-1", "glance-2");

        // Nobody waits for one of another group, and it does not hear what becomes of the images of this one.
        var id = NewId();
        await StageAsync(cluster[2], id, Content(10));
        await cluster.KillPodAsync(2);
        var facts = AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await cluster[0].Staging.GetImageAsync(new GetImageRequest { ImageId = id })),
            StatusCode.NotFound, "IMAGE_NOT_FOUND");
        Assert.That(Number(facts, "peers_asked"), Is.EqualTo(2));

        groups[2] = "site";
        await cluster.StartPodAsync(2);
        await UntilPeersAsync(cluster[0], "glance-1", "glance-2", "glance-3");
        Assert.That((await cluster[0].Staging.GetImageAsync(new GetImageRequest { ImageId = id })).Size, Is.EqualTo(10));
    }

    private static async Task UntilPeersAsync(SidecarInstance sidecar, params string[] names) => await UntilAsync(
        async () => (await sidecar.Peers.ListPeersAsync(new ListPeersRequest())).Peers,
        peers => peers.All(peer => peer.Reachable) && peers.Select(peer => peer.Name).SequenceEqual(names));

    private static async Task<Peer> PeerAsync(SidecarInstance sidecar, Func<Peer, bool> condition) => (await UntilAsync(
        async () => (await sidecar.Peers.ListPeersAsync(new ListPeersRequest())).Peers.FirstOrDefault(condition),
        peer => peer is not null))!;
}
