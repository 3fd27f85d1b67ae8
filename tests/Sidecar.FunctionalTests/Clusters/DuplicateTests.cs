using Glance.Sidecar.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Importing;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Two pods that came to hold the same image end with the newer copy.</summary>
internal sealed class DuplicateTests : ClusterTest
{
    private readonly string _id = NewId();
    private readonly byte[] _old = Content(1000, seed: 1);
    private readonly byte[] _new = Content(2000, seed: 2);

    [Test]
    public async Task StagedOnTwoPods_AllAskTheNewerOne()
    {
        await using var cluster = await Cluster.StartAsync(3);
        await StageAsync(cluster[0], _id, _old);
        await StageAsync(cluster[1], _id, _new);
        var answer = await UntilAsync(
            async () => await cluster[2].Peers.LocateAsync(new LocateRequest { ImageId = _id }),
            found => found.Locations.Count == 2); // a slow machine may answer after the grace
        Assert.That(answer.Locations.Select(copy => copy.Owner), Is.EqualTo(new[] { "glance-1", "glance-0" }));
        await UntilAsync(() => ReadAsync(cluster[2], _id), content => content.SequenceEqual(_new));
        await LoggedAsync(cluster[0], $"Image {_id} is newer on glance-1");
        Assert.That(await ReadAsync(cluster[0], _id), SameBytes.As(_new), "the pod with the older copy asks the other");
        Assert.That(await ReadAsync(cluster[1], _id), SameBytes.As(_new));
        Assert.That(await ImagesAsync(cluster[0]), Is.EqualTo(new[] { _id }), "which goes only after Peers:DuplicateDelay");
    }

    [Test]
    public async Task OlderCopy_AfterTheDelay_IsRemoved()
    {
        await using var cluster = await Cluster.StartAsync(2, "--Peers:DuplicateDelay", "00:00:00");
        await StageAsync(cluster[0], _id, _old);
        await StageAsync(cluster[1], _id, _new);
        await UntilAsync(() => ImagesAsync(cluster[0]), images => images.Count == 0);
        Assert.That(await ReadAsync(cluster[0], _id), SameBytes.As(_new));
        Assert.That(await ImagesAsync(cluster[1]), Is.EqualTo(new[] { _id }));
        foreach (var action in new[] { "found", "removed" })
        {
            // The image is gone a moment before its removal is counted.
            await UntilAsync(
                () => MetricAsync(cluster[0], $"glance_staging_duplicates_total{{action=\"{action}\"}}"), count => count == 1);
        }
    }

    [Test]
    public async Task OlderCopy_OfAPodThatWasAway_IsRemovedWhenItIsBack()
    {
        await using var cluster = await Cluster.StartAsync(2, "--Peers:DuplicateDelay", "00:00:00");
        await StageAsync(cluster[0], _id, _old);
        await cluster.KillPodAsync(0);
        await StageAsync(cluster[1], _id, _new);
        var back = await cluster.StartPodAsync(0);
        await UntilAsync(() => ImagesAsync(back), images => images.Count == 0);
        Assert.That(await ReadAsync(back, _id), SameBytes.As(_new));
    }

    [Test]
    public async Task OlderCopy_WhenTheNewerIsGone_IsTheImageAgain()
    {
        await using var cluster = await Cluster.StartAsync(2, "--Peers:DuplicateDelay", "00:00:02");
        await StageAsync(cluster[0], _id, _old);
        await StageAsync(cluster[1], _id, _new);
        await LoggedAsync(cluster[0], $"Image {_id} is newer on glance-1");
        await cluster[1].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = _id, OnlyHere = true });
        await LoggedAsync(cluster[0], $"The copy of {_id} stays: the newer copy is gone");
        Assert.That(await ReadAsync(cluster[0], _id), SameBytes.As(_old));
        Assert.That(
            await MetricAsync(cluster[0], "glance_staging_forwards_total{method=\"ReadImage\",result=\"NOT_FOUND\"}"),
            Is.Zero, "nobody is asked any more");
    }

    [Test]
    public async Task OlderCopy_WithAnImportThatRuns_Stays()
    {
        using var directory = TestDirectory.Create();
        var tool = new SlowTool(directory);
        await using var cluster = await Cluster.StartAsync(
            2, ["--Peers:DuplicateDelay", "00:00:00", .. tool.Settings]);
        var disk = await SlowTool.DiskAsync(directory, Deadline);
        await StageAsync(cluster[0], _id, disk);
        var run = RunAsync(cluster[0], new RunImportRequest { ImageId = _id });
        await tool.StartedAsync(Deadline);
        await StageAsync(cluster[1], _id, disk);
        await LoggedAsync(cluster[0], $"The copy of {_id} stays");
        Assert.That(await ImagesAsync(cluster[0]), Is.EqualTo(new[] { _id }));
        await tool.GoOnAsync(Deadline);
        Assert.That((await run)[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
    }
}
