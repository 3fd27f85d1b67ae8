using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Finding the pods of a headless Service, and remembering those that it does not list any more.</summary>
internal sealed class DiscoveryTests : SidecarTest
{
    private const string Service = "glance-staging.openstack.svc.cluster.test";

    private readonly DnsServer _dns = new();

    [TearDown]
    public async Task StopDnsAsync() => await _dns.DisposeAsync();

    [Test]
    public async Task ServiceRecords_NameThePods_AndAreFollowed()
    {
        await using var cluster = Create(3);
        Publish(cluster, 0, 1);
        await cluster.StartPodAsync(0);
        await cluster.StartPodAsync(1);
        var only = await PeersAsync(cluster[0], peers => peers is [{ Reachable: true }]);
        Assert.That((only[0].Name, only[0].Address), Is.EqualTo(("glance-1", $"{cluster.Address(1)}:{Cluster.PeerPort}")));

        await cluster.StartPodAsync(2);
        Publish(cluster, 0, 1, 2);
        var both = await PeersAsync(cluster[0], peers => peers is [_, { Reachable: true }]);
        Assert.That(both.Select(peer => (peer.Name, peer.Absent)), Is.EqualTo([("glance-1", false), ("glance-2", false)]));

        // All records gone at once is an answer; a server that fails is none.
        _dns.Fails = true;
        await _dns.AnsweredAsync(6, Deadline);
        Assert.That((await PeersAsync(cluster[0], _ => true)).Select(peer => peer.Absent), Is.EqualTo([false, false]));
        _dns.Fails = false;
        _dns.Set();
        Assert.That(await PeersAsync(cluster[0], peers => peers.All(peer => peer.Absent)), Has.Count.EqualTo(2));
        Publish(cluster, 0, 1, 2);
        await PeersAsync(cluster[0], peers => peers.All(peer => peer is { Absent: false, Reachable: true }));
    }

    [Test]
    public async Task RecordOfAPodThatIsDown_IsGone_ThePodIsRememberedOverARestart()
    {
        await using var cluster = Create(2);
        Publish(cluster, 0, 1);
        await cluster.StartPodAsync(0);
        await cluster.StartPodAsync(1);
        await PeersAsync(cluster[0], peers => peers is [{ Reachable: true }]);

        Publish(cluster, 0);
        var absent = await PeersAsync(cluster[0], peers => peers is [{ Absent: true }]);
        Assert.That(absent[0].Reachable, Is.True, "no record, and yet it answers");
        await cluster.KillPodAsync(1);
        await cluster.StopPodAsync(0);
        await cluster.StartPodAsync(0);
        var remembered = await PeersAsync(cluster[0], peers => peers is [{ Absent: true, Failure.Length: > 0 }]);
        Assert.That((remembered[0].Name, remembered[0].Reachable), Is.EqualTo(("glance-1", false)));

        var elsewhere = cluster.Address(7);
        await cluster.StartPodAsync(1, "--Peers:Address", $"{elsewhere}:{Cluster.PeerPort}");
        _dns.Set([.. Member(0, cluster.Address(0)), .. Member(1, elsewhere)]);
        var back = await PeersAsync(cluster[0], peers => peers.Any(peer => peer.Reachable));
        Assert.That(back.Select(peer => (peer.Name, peer.Address, peer.Absent)),
            Is.EqualTo([("glance-1", $"{elsewhere}:{Cluster.PeerPort}", false)]));
    }

    [Test]
    public async Task AddressRecords_NameNobody_ThePodsDo()
    {
        await using var cluster = Create(2);
        _dns.Set(DnsRecord.Address(Service, cluster.Address(0)), DnsRecord.Address(Service, cluster.Address(1)));
        await cluster.StartPodAsync(0);
        await cluster.StartPodAsync(1);
        var found = await PeersAsync(cluster[0], peers => peers is [{ Reachable: true }]);
        Assert.That(found[0].Name, Is.EqualTo("glance-1"));

        await cluster.KillPodAsync(1);
        var elsewhere = cluster.Address(7);
        await cluster.StartPodAsync(1, "--Peers:Address", $"{elsewhere}:{Cluster.PeerPort}");
        _dns.Set(DnsRecord.Address(Service, cluster.Address(0)), DnsRecord.Address(Service, elsewhere));
        var moved = await PeersAsync(cluster[0], peers => peers is [{ Reachable: true } peer] && peer.Instance != found[0].Instance);
        Assert.That((moved[0].Name, moved[0].Address), Is.EqualTo(("glance-1", $"{elsewhere}:{Cluster.PeerPort}")));
    }

    [Test]
    public async Task Call_ForAnotherPod_IsRefusedAsIfThatWereDown()
    {
        await using var cluster = await Cluster.StartAsync(1);
        var headers = new Metadata { { "glance-sidecar-for", "glance-9" } };
        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await cluster[0].Peers.DescribeAsync(
            new DescribeRequest { Forwarded = new Forwarded { By = "glance-1" } }, headers));
        Assert.That(AssertRefused(refusal, StatusCode.Unavailable, "OWNER_UNREACHABLE")["owner"], Is.EqualTo("glance-9"));
    }

    [Test]
    public async Task ListPeers_WhenAnotherPodHasTheAddress_SaysWho()
    {
        await using var cluster = Cluster.Create(2, (cluster, pod) =>
        [
            "--Peers:AllowPlaintext", "true", "--Peers:Static:0", $"glance-{8 + pod}={cluster.Address(1 - pod)}:{Cluster.PeerPort}",
        ]);
        await cluster.StartPodAsync(0);
        await cluster.StartPodAsync(1);
        var peers = await PeersAsync(cluster[0], peers => peers[0].Failure.Contains("answers", StringComparison.Ordinal));
        Assert.That((peers[0].Name, peers[0].Failure), Is.EqualTo(("glance-8", "glance-1 answers at its address")));
    }

    private Cluster Create(int pods) => Cluster.Create(
        pods,
        (_, _) => ["--Peers:AllowPlaintext", "true", "--Peers:Service", Service, "--Peers:DnsServer", _dns.Address],
        "--Peers:ResolveInterval", "00:00:00.200", "--Peers:ProbeInterval", "00:00:00.200");

    private void Publish(Cluster cluster, params int[] pods) => _dns.Set(pods.SelectMany(pod => Member(pod, cluster.Address(pod))));

    private static DnsRecord[] Member(int pod, string address) =>
    [
        DnsRecord.Service("_peer._tcp." + Service, $"{Cluster.Name(pod)}.{Service}", Cluster.PeerPort),
        DnsRecord.Address($"{Cluster.Name(pod)}.{Service}", address),
    ];

    private static async Task<IList<Peer>> PeersAsync(SidecarInstance sidecar, Func<IList<Peer>, bool> condition)
    {
        while (true)
        {
            Deadline.ThrowIfCancellationRequested();
            var answer = await sidecar.Peers.ListPeersAsync(new ListPeersRequest(), cancellationToken: Deadline);
            if (condition(answer.Peers)) return answer.Peers;
            await Cluster.BetweenLooks();
        }
    }
}
