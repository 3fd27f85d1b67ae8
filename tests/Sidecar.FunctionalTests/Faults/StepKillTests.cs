using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Faults;

/// <summary>
/// Pods that are killed at exact steps of a forwarded import and of a hand-over: at the system call that makes a step
/// durable, as strace sees it. Started again, the same call, or the next drain, ends well.
/// </summary>
internal sealed class StepKillTests : ClusterTest
{
    private const int ImageBytes = 1_000_000;

    private readonly string _id = NewId();
    private readonly byte[] _content = Content(ImageBytes);

    // At the receiver: the data is made durable, its record is written, it becomes an image, its upload goes. At the
    // source: the image goes, after the receiver has it.
    [TestCase("receiver", "fsync")]
    [TestCase("receiver", "rename")]
    [TestCase("receiver", "renameat2")]
    [TestCase("receiver", "unlink")]
    [TestCase("source", "unlink")]
    public async Task Drain_APodIsKilledAtAStep_OnePodHasTheImageInTheEnd(string victim, string call)
    {
        await using var cluster = await Cluster.StartAsync(2, "--Peers:ReattachTimeout", "00:01:00");
        await StageAsync(cluster[0], _id, _content);
        var pod = victim == "source" ? 0 : 1;
        using (await Strace.AttachAsync(cluster[pod], $"{call}:signal=KILL", Deadline))
        {
            var drain = DrainAsync(cluster[0], TimeSpan.Zero);
            await cluster[pod].ExitAsync();
            await cluster.KillPodAsync(pod);
            await cluster.StartPodAsync(pod);
            if (victim == "source") drain = AgainAsync(drain, cluster);
            Assert.That((await drain).Left, Is.Empty);
        }

        Assert.That(cluster.Leftovers(0), Is.Empty);
        Assert.That(cluster.Leftovers(1), Is.EquivalentTo(new[] { _id, $".sidecar/images/{_id}.json" }));
        Assert.That(await ReadAsync(cluster[0], _id), SameBytes.As(_content));
    }

    // At the owner: the import is made durable, and noted. At the asked pod: the output's transfer is made durable, and
    // noted, and its journal goes when it is whole.
    [TestCase("owner", "fsync")]
    [TestCase("owner", "rename")]
    [TestCase("asked", "fsync")]
    [TestCase("asked", "rename")]
    [TestCase("asked", "unlink")]
    public async Task RunImport_APodIsKilledAtAStep_TheImportSucceedsOnce(string victim, string call)
    {
        await using var cluster = await Cluster.StartAsync(2, "--Peers:ReattachTimeout", "00:01:00");
        await StageAsync(cluster[0], _id, _content);
        var request = new RunImportRequest
        {
            ImageId = _id, ImportId = NewId(), OutputPlacement = OutputPlacement.BringHere, DiskFormat = "raw",
        };
        var pod = victim == "owner" ? 0 : 1;
        IEnumerable<string> log;
        Task<List<ImportMessage>> run;
        using (await Strace.AttachAsync(cluster[pod], $"{call}:signal=KILL", Deadline))
        {
            run = RunAsync(cluster[1], request);
            log = cluster[pod].Log;
            await cluster[pod].ExitAsync();
            await cluster.KillPodAsync(pod);
            await cluster.StartPodAsync(pod);
        }

        var import = (await AgainAsync(run, cluster, request))[^1];
        Assert.That((import.State, import.Result.OutputOwner), Is.EqualTo((ImportMessage.Types.State.Succeeded, "glance-1")));
        Assert.That(await File.ReadAllBytesAsync(import.Result.OutputPath, Deadline), SameBytes.As(_content));
        Assert.That(
            CountSuccesses(log.Concat(cluster.Running.SelectMany(running => running.Log)), request.ImportId),
            Is.LessThanOrEqualTo(1));
        await cluster[1].Imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = request.ImportId });
        for (var left = 0; left < 2; left++) Assert.That(cluster.Leftovers(left), Is.Empty, Cluster.Name(left));
    }

    private static async Task<Drain> AgainAsync(Task<Drain> broken, Cluster cluster)
    {
        await Assert.ThrowsAsync<RpcException>(() => broken);
        await cluster.AllReachableAsync();
        return await DrainAsync(cluster[0], TimeSpan.Zero);
    }

    // A caller asks again when the call ends with UNAVAILABLE, or the pod that he asked is gone.
    private static async Task<List<ImportMessage>> AgainAsync(
        Task<List<ImportMessage>> first, Cluster cluster, RunImportRequest request)
    {
        try
        {
            return await first;
        }
        catch (RpcException broken) when (broken.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled)
        {
            await cluster.AllReachableAsync();
            return await RunAsync(cluster[1], request);
        }
    }
}
