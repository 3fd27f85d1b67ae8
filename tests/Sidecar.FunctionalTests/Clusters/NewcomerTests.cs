using System.Net;
using System.Net.Sockets;
using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>
/// A pod that starts, again or for the first time, may have an image before its peers look for pods the next time. They
/// must not say that nobody has it. Where a pod is asked for an image, it looks once, at its own start.
/// </summary>
internal sealed class NewcomerTests : ClusterTest
{
    private static readonly string[] LooksOnce = ["--Peers:ProbeInterval", "01:00:00", "--Peers:ResolveInterval", "01:00:00"];

    [Test]
    public async Task RunImport_OfWhatAPodHasThatLeftAndIsBack_IsForwardedThere()
    {
        await using var cluster = await Cluster.StartAsync(3);
        await cluster.StopPodAsync(0);
        await cluster.StartPodAsync(0, LooksOnce);
        await cluster.AllReachableAsync();
        Assert.That((await DrainAsync(cluster[1], TimeSpan.Zero)).Left, Is.Empty);
        Assert.That(await NamesAsync(cluster[0]), Is.EqualTo(["glance-2"]), "the other has left");

        await cluster.StopPodAsync(1);
        await AssertImportedThroughAsync(cluster[0], await cluster.StartPodAsync(1));
        Assert.That(await NamesAsync(cluster[0]), Is.EqualTo(["glance-1", "glance-2"]));
    }

    [Test]
    public async Task RunImport_OfWhatAPodHasThatNoRecordNames_IsForwardedThere()
    {
        using var network = new PodNetwork(2);
        await using var cluster = Create(network);
        await cluster.StartPodAsync(0, LooksOnce);
        await AssertImportedThroughAsync(cluster[0], await cluster.StartPodAsync(1));
        var known = (await cluster[0].Peers.ListPeersAsync(new ListPeersRequest())).Peers.Single();
        Assert.That((known.Name, known.Address), Is.EqualTo(("glance-1", $"{cluster.Address(1)}:{Cluster.PeerPort}")));
    }

    [Test]
    public async Task Locate_OfWhatAPodHasThatCameBackUnheard_AsksItAllTheSame()
    {
        using var network = new PodNetwork(2);
        await using var cluster = await Cluster.StartInNetworkAsync(network, 2);
        await cluster.StopPodAsync(0);
        await cluster.StartPodAsync(0, LooksOnce);
        await cluster.AllReachableAsync();
        Assert.That((await DrainAsync(cluster[1], TimeSpan.Zero)).Left, Is.Empty);
        await cluster.StopPodAsync(1);

        network.CutBothWays(0, 1, Cut.BlackHole);
        var (back, id) = (await cluster.StartPodAsync(1, LooksOnce), NewId());
        await StageAsync(back, id, Content(1000));
        var unheard = (await back.Peers.ListPeersAsync(new ListPeersRequest())).Peers.Single();
        Assert.That(unheard.Failure, Is.Not.Empty, "before it says that it is staged it tries to tell the other that it is there");
        network.Heal();
        Assert.That(await NamesAsync(cluster[0]), Is.Empty);
        // One that left is given a moment to answer, and a machine with much to do may need more.
        var found = await UntilAsync(() => LocateAsync(cluster[0], id), found => found.Count > 0);
        Assert.That(found.Single().Owner, Is.EqualTo("glance-1"));
        await cluster.UntilAsync(0, 1, peer => peer.Reachable);
    }

    [TestCase("who it is", 1)]
    [TestCase("another name", 0)]
    [TestCase("another process", 0)]
    [TestCase("another port", 0)]
    [TestCase("no port", 0)]
    [TestCase("while it goes", 0)]
    public async Task Describe_ByAPodThatNoRecordNames_TakesItUpWhenItIsThereAndStays(string says, int peers)
    {
        await using var cluster = Cluster.Create(2, (cluster, pod) => ["--Peers:AllowPlaintext", "true", .. Alone(cluster, pod)]);
        var (asked, caller) = (await cluster.StartPodAsync(0), await cluster.StartPodAsync(1));
        if (says == "while it goes") await DrainAsync(caller, TimeSpan.Zero);
        var self = (await caller.Peers.ListPeersAsync(new ListPeersRequest())).Self;
        var request = new DescribeRequest { Forwarded = new Forwarded { By = self.Name, Instance = self.Instance }, Port = Cluster.PeerPort };
        if (says == "another name") request.Forwarded.By = "glance-7";
        if (says == "another process") request.Forwarded.Instance = "1";
        if (says == "another port") request.Port = 70_000;
        if (says == "no port") request.Port = 0;
        using var channel = OpenFrom(cluster.Address(1), cluster.Address(0));
        var answer = await new Glance.Sidecar.V1.Peers.PeersClient(channel).DescribeAsync(request, cancellationToken: Deadline);
        Assert.That(answer.Name, Is.EqualTo("glance-0"));
        Assert.That(await NamesAsync(asked), Is.EqualTo(Enumerable.Repeat("glance-1", peers)));
    }

    // As the pod with that address: it is where a peer calls from.
    private static GrpcChannel OpenFrom(string from, string to) => GrpcChannel.ForAddress(
        $"http://{to}:{Cluster.PeerPort}",
        new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = async (context, cancellationToken) =>
                {
                    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                    await socket.ConnectAsync(IPEndPoint.Parse($"{to}:{Cluster.PeerPort}"), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            },
        });

    private static string[] Alone(Cluster cluster, int pod) =>
        ["--Peers:Static:0", $"{Cluster.Name(pod)}={cluster.Address(pod)}:{Cluster.PeerPort}"];

    // The first one knows nobody; the second one all.
    private static Cluster Create(PodNetwork network) => Cluster.CreateInNetwork(
        network, 2, (cluster, pod) => pod == 0 ? Alone(cluster, pod) : cluster.Static());

    private static async Task AssertImportedThroughAsync(SidecarInstance asked, SidecarInstance owner)
    {
        var (id, content) = (NewId(), Content(300_000));
        await StageAsync(owner, id, content);
        var events = await RunAsync(asked, new RunImportRequest { ImageId = id, ImportId = NewId(), OutputDiskFormat = "raw" });
        Assert.That(events[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
    }

    private static async Task<IList<Location>> LocateAsync(SidecarInstance pod, string id)
    {
        try
        {
            return (await pod.Peers.LocateAsync(new LocateRequest { ImageId = id })).Locations;
        }
        catch (RpcException nowhere) when (nowhere.StatusCode == StatusCode.NotFound)
        {
            return [];
        }
    }

    private static async Task<IEnumerable<string>> NamesAsync(SidecarInstance pod) =>
        (await pod.Peers.ListPeersAsync(new ListPeersRequest())).Peers.Select(peer => peer.Name);
}
