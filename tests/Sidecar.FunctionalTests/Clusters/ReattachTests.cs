using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Importing;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Forwarded imports and reads whose owner is killed, frozen or asked to cancel.</summary>
internal sealed class ReattachTests : ClusterTest
{
    private readonly string _id = NewId();
    private readonly RunImportRequest _run;

    public ReattachTests() => _run = new RunImportRequest { ImageId = _id, ImportId = NewId() };

    [Test]
    public async Task RunImport_WhenTheOwnerIsKilledAndComesBack_SucceedsOnce()
    {
        await using var pods = await StartAsync("--Peers:ReattachTimeout", "00:01:00");
        var (cluster, tool) = (pods.Cluster, pods.Tool);
        var run = RunAsync(cluster[0], _run);
        await tool.StartedAsync(Deadline);
        tool.BeFast();
        await cluster.KillPodAsync(1);
        await LoggedAsync(cluster[0], "lost its connection to glance-1");
        await cluster.StartPodAsync(1);
        var events = await run.WaitAsync(Deadline);
        Assert.That(events[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        Assert.That(events[^1].Owner, Is.EqualTo("glance-1"));
        await LoggedAsync(cluster[1], $"Import {_run.ImportId} of image {_id} succeeded", 1);
        Assert.That(Count(cluster[0], "succeeded"), Is.Zero, "it never ran here");
        Assert.That(await MetricAsync(cluster[0], "glance_staging_reattaches_total"), Is.EqualTo(1));
    }

    [Test]
    public async Task RunImport_WhenTheOwnerIsFrozenForAWhile_GoesOn()
    {
        await using var pods = await StartAsync("--Peers:ConnectTimeout", "00:00:01", "--Peers:ReattachTimeout", "00:02:00");
        var (cluster, tool) = (pods.Cluster, pods.Tool);
        var run = RunAsync(cluster[0], _run);
        await tool.StartedAsync(Deadline);
        cluster[1].Signal("STOP");
        await LoggedAsync(cluster[0], "lost its connection to glance-1");
        cluster[1].Signal("CONT");
        await LoggedAsync(cluster[0], "goes on at glance-1");
        await tool.GoOnAsync(Deadline);
        var events = await run.WaitAsync(Deadline);
        Assert.That(events[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        await LoggedAsync(cluster[1], "succeeded", 1);
        Assert.That(Count(cluster[1], $"Import {_run.ImportId} of image {_id} started"), Is.EqualTo(1), "it ran once");
    }

    [Test]
    public async Task RunImport_WhenTheOwnerStaysFrozen_IsLostByName()
    {
        await using var pods = await StartAsync("--Peers:ConnectTimeout", "00:00:01", "--Peers:ReattachTimeout", "00:00:01");
        var (cluster, tool) = (pods.Cluster, pods.Tool);
        var run = RunAsync(cluster[0], _run);
        await tool.StartedAsync(Deadline);
        cluster[1].Signal("STOP");
        var facts = AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => run.WaitAsync(Deadline)), StatusCode.Unavailable, "OWNER_LOST");
        Assert.That((facts["owner"], facts["import_id"]), Is.EqualTo(("glance-1", _run.ImportId)));
        cluster[1].Signal("CONT");
        // It runs on all the while: the same id attaches to it.
        var again = RunAsync(cluster[0], _run);
        await tool.GoOnAsync(Deadline);
        Assert.That((await again.WaitAsync(Deadline))[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        await LoggedAsync(cluster[1], "succeeded", 1);
    }

    [Test]
    public async Task CancelImport_ThroughAnotherPod_EndsTheForwardedCall()
    {
        await using var pods = await StartAsync();
        var (cluster, tool) = (pods.Cluster, pods.Tool);
        var run = RunAsync(cluster[0], _run);
        await tool.StartedAsync(Deadline);
        var cancelled = await cluster[0].Imports.CancelImportAsync(new CancelImportRequest { ImportId = _run.ImportId });
        Assert.That(cancelled.State, Is.EqualTo(ImportMessage.Types.State.Cancelled));
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => run.WaitAsync(Deadline)), StatusCode.Cancelled, "CANCELLED");
    }

    [Test]
    public async Task RunImport_WhenItsCallerGoes_RunsOnAtTheOwner()
    {
        await using var pods = await StartAsync();
        var (cluster, tool) = (pods.Cluster, pods.Tool);
        var call = cluster[0].Imports.RunImport(_run, cancellationToken: Deadline);
        await call.ResponseStream.MoveNext(Deadline);
        await tool.StartedAsync(Deadline);
        call.Dispose();
        await LoggedAsync(cluster[0], "RunImport of image " + _id + " was forwarded");
        await tool.GoOnAsync(Deadline);
        var events = await RunAsync(cluster[0], _run);
        Assert.That(events[^1].State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        await LoggedAsync(cluster[1], "succeeded", 1);
    }

    [Test]
    public async Task ReadImage_WhenTheOwnerIsKilledInMidStream_GoesOnWhereItStood()
    {
        // More than all windows on the way hold, so that the owner is in the middle of it.
        var content = Content(48 << 20);
        await using var cluster = await Cluster.StartAsync(2, "--Peers:ReattachTimeout", "00:01:00");
        await StageAsync(cluster[1], _id, content);
        using var call = cluster[0].Staging.ReadImage(new ReadImageRequest { ImageId = _id }, cancellationToken: Deadline);
        using var bytes = new MemoryStream();
        var totals = 0;
        await call.ResponseStream.MoveNext(Deadline);
        await cluster.KillPodAsync(1);
        await cluster.StartPodAsync(1);
        do
        {
            var part = call.ResponseStream.Current;
            Assert.That(part.Offset, Is.EqualTo((ulong)bytes.Length));
            if (part.HasTotalSize) totals++;
            bytes.Write(part.Data.Span);
        }
        while (await call.ResponseStream.MoveNext(Deadline));
        Assert.That(bytes.ToArray(), SameBytes.As(content));
        Assert.That(totals, Is.EqualTo(1));
        Assert.That(await MetricAsync(cluster[0], "glance_staging_reattaches_total"), Is.EqualTo(1));
    }

    private async Task<SlowPods> StartAsync(params string[] settings)
    {
        var directory = TestDirectory.Create();
        var tool = new SlowTool(directory);
        var cluster = await Cluster.StartAsync(2, [.. tool.Settings, .. settings]);
        await StageAsync(cluster[1], _id, await SlowTool.DiskAsync(directory, Deadline));
        return new SlowPods(cluster, tool, directory);
    }

    private sealed record SlowPods(Cluster Cluster, SlowTool Tool, TestDirectory Directory) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Cluster.DisposeAsync();
            Directory.Dispose();
        }
    }
}
