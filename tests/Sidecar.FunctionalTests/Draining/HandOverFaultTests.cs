using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Draining;

/// <summary>
/// Faults between a pod that drains and its peers, each pod in a network namespace of its own and with mTLS. Whatever
/// happens: in the end exactly one pod has the image, whole, and no other has a part of it.
/// </summary>
internal sealed class HandOverFaultTests : ClusterTest
{
    private const int Source = 0;
    private const int Pods = 3;

    // At 64 Mbit/s it needs seconds: long enough to put a fault into it.
    private const int ImageBytes = 24 << 20;
    private const int SlowMebibits = 64;

    private readonly string _id = NewId();
    private readonly byte[] _content = Content(ImageBytes);

    [Test]
    public async Task Drain_NobodyCanBeReached_KeepsTheImageAndHandsItOverLater([Values] Cut cut)
    {
        using var network = new PodNetwork(Pods);
        await using var cluster = await StartAsync(network, "00:00:02");
        for (var peer = 1; peer < Pods; peer++) network.CutBothWays(Source, peer, cut);
        for (var peer = 1; peer < Pods; peer++) await cluster.UntilAsync(Source, peer, state => !state.Reachable);
        var kept = await DrainAsync(cluster[Source], TimeSpan.Zero);
        Assert.That(kept.Left.Select(left => (left.Kind, left.ImageId)), Is.EqualTo(new[] { (Remainder.Types.Kind.Image, _id) }));
        Assert.That(File.Exists(Path.Combine(cluster.Staging(Source), _id)), Is.True);
        network.Heal();
        await cluster.AllReachableAsync();
        Assert.That((await DrainAsync(cluster[Source], TimeSpan.Zero)).Left, Is.Empty);
        await AssertSoundAsync(cluster);
    }

    [Test]
    public async Task Drain_WithAFaultInMidTransfer_MovesTheImageWhenItIsOver(
        [Values("black hole", "black hole to it", "black hole from it", "reset", "frozen", "killed")] string fault)
    {
        using var network = new PodNetwork(Pods);
        await using var cluster = await StartAsync(network, "00:01:30");
        network.Slow(Source, SlowMebibits);
        var (receiver, drain) = await UntilSendingAsync(cluster[Source]);
        await BreakAsync(cluster, network, receiver, fault);
        await cluster.UntilAsync(Source, receiver, state => !state.Reachable);
        network.Heal();
        if (fault == "frozen") cluster[receiver].Signal("CONT");
        if (fault == "killed") await cluster.StartPodAsync(receiver);
        Assert.That((await drain).Left, Is.Empty);
        await AssertSoundAsync(cluster);
    }

    [Test]
    public async Task Drain_TheReceiverStaysAway_TheNextTakesTheImageAndThePartGoes()
    {
        using var network = new PodNetwork(Pods);
        await using var cluster = await StartAsync(network, "00:00:02");
        network.Slow(Source, SlowMebibits);
        var (receiver, drain) = await UntilSendingAsync(cluster[Source]);
        network.CutBothWays(Source, receiver, Cut.BlackHole);
        Assert.That((await drain).Left, Is.Empty);
        Assert.That(File.Exists(Path.Combine(cluster.Staging(Pods - receiver), _id)), Is.True, "the other has it");
        network.Heal();
        await AssertSoundAsync(cluster);
    }

    [Test]
    public async Task Drain_TheSourceIsKilledInMidTransfer_TheNextDrainMovesTheImage()
    {
        using var network = new PodNetwork(Pods);
        await using var cluster = await StartAsync(network, "00:01:30");
        network.Slow(Source, SlowMebibits);
        var (_, drain) = await UntilSendingAsync(cluster[Source]);
        await cluster.KillPodAsync(Source);
        await Assert.ThrowsAsync<RpcException>(() => drain);
        network.Heal();
        await cluster.StartPodAsync(Source);
        await cluster.AllReachableAsync();
        Assert.That((await DrainAsync(cluster[Source], TimeSpan.Zero)).Left, Is.Empty);
        await AssertSoundAsync(cluster);
    }

    private async Task<Cluster> StartAsync(PodNetwork network, string reattachTimeout)
    {
        var cluster = await Cluster.StartInNetworkAsync(
            network, Pods, "--Peers:ConnectTimeout", "00:00:01", "--Peers:ReattachTimeout", reattachTimeout);
        await StageAsync(cluster[Source], _id, _content);
        return cluster;
    }

    private static async Task BreakAsync(Cluster cluster, PodNetwork network, int receiver, string fault)
    {
        switch (fault)
        {
            case "black hole":
                network.CutBothWays(Source, receiver, Cut.BlackHole);
                break;
            case "black hole to it":
                network.CutOneWay(Source, receiver, Cut.BlackHole);
                break;
            case "black hole from it":
                network.CutOneWay(receiver, Source, Cut.BlackHole);
                break;
            case "reset":
                network.CutBothWays(Source, receiver, Cut.Reset);
                break;
            case "frozen":
                cluster[receiver].Signal("STOP");
                break;
            case "killed":
                await cluster.KillPodAsync(receiver);
                break;
        }
    }

    private static async Task<(int Receiver, Task<Drain> Drain)> UntilSendingAsync(SidecarInstance source)
    {
        var drain = new DrainCallStream(source, TimeSpan.Zero, Deadline);
        var sending = await drain.UntilAsync(now => now.BytesMoved > 0 && now.Receiver.Length > 0);
        Assert.That(sending.State, Is.EqualTo(Drain.Types.State.HandingOver), "the drain ended before the fault");
        var receiver = Enumerable.Range(0, Pods).Single(pod => Cluster.Name(pod) == sending.Receiver);
        return (receiver, EndAsync(drain));
    }

    private static async Task<Drain> EndAsync(DrainCallStream drain)
    {
        using (drain) return await drain.EndAsync();
    }

    private async Task AssertSoundAsync(Cluster cluster)
    {
        // A part that a receiver was left with goes when the other's commit is announced to it.
        string[] files = [_id, $".sidecar/images/{_id}.json"];
        while (!All(cluster).Select(entry => entry.File).Order().SequenceEqual(files.Order()))
        {
            if (Deadline.IsCancellationRequested) Assert.Fail("left: " + string.Join(", ", All(cluster)));
            await Cluster.BetweenLooks();
        }

        Assert.That(cluster.Leftovers(Source), Is.Empty, "the drained pod");
        Assert.That(await ReadAsync(cluster[Source], _id), SameBytes.As(_content), "through the drained pod");
    }

    private static List<(int Pod, string File)> All(Cluster cluster) =>
        [.. Enumerable.Range(0, Pods).SelectMany(pod => cluster.Leftovers(pod).Select(file => (pod, file)))];
}
