using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Clusters;

internal sealed class PeersTests : SidecarTest
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

    private static async Task<Peer> PeerAsync(SidecarInstance sidecar, Func<Peer, bool> condition)
    {
        while (true)
        {
            Deadline.ThrowIfCancellationRequested();
            var answer = await sidecar.Peers.ListPeersAsync(new ListPeersRequest());
            if (answer.Peers.FirstOrDefault(condition) is { } peer) return peer;
            await Cluster.BetweenLooks();
        }
    }
}
