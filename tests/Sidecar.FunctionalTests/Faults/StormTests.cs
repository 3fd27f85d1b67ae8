using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Faults;

/// <summary>
/// Five pods, each killed and started again while clients stage, import, read and delete through whichever pod they
/// come to. Clients do what a client should: on UNAVAILABLE the same call again.
/// </summary>
internal sealed class StormTests : ClusterTest
{
    private const int Pods = 5;
    private const int Images = 10;
    private const int Kills = 6;

    private readonly Random _random = new(20261122);

    [Test]
    public async Task FivePods_KilledOneAfterAnother_LoseNothingAndRunEachImportOnce()
    {
        await using var cluster = await Cluster.StartAsync(
            Pods, "--Peers:ReattachTimeout", "00:00:30", "--Peers:LocateTimeout", "00:00:02");
        var log = new List<string>();
        var clients = Enumerable.Range(0, Images).Select(image => ClientAsync(cluster, image)).ToList();
        for (var kill = 0; kill < Kills; kill++)
        {
            var pod = _random.Next(Pods);
            var lines = cluster[pod].Log;
            await cluster.KillPodAsync(pod);
            log.AddRange(lines);
            await cluster.StartPodAsync(pod);
        }

        var imported = await Task.WhenAll(clients);
        log.AddRange(cluster.Running.SelectMany(pod => pod.Log));
        foreach (var import in imported)
        {
            Assert.That(CountSuccesses(log, import.ImportId), Is.LessThanOrEqualTo(1), "runs that succeeded");
        }

        await DeleteAllAsync(cluster, imported);
        for (var pod = 0; pod < Pods; pod++) Assert.That(cluster.Leftovers(pod), Is.Empty, Cluster.Name(pod));
    }

    // Stages at one pod, imports through a second, reads through a third.
    private static async Task<ImportMessage> ClientAsync(Cluster cluster, int image)
    {
        var random = new Random(image);
        var (id, importId) = (NewId(), NewId());
        var content = Content((1 << 20) + image, image);
        var home = random.Next(Pods);
        await UntilAnsweredAsync(() => StageAgainAsync(cluster[home], id, content));
        var events = await UntilAnsweredAsync(() => RunAsync(
            cluster[random.Next(Pods)], new RunImportRequest { ImageId = id, ImportId = importId }));
        var import = events[^1];
        Assert.That(import.State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        var read = await UntilAnsweredAsync(() => ReadAsync(cluster[random.Next(Pods)], id, importId));
        Assert.That(read, SameBytes.As(content));
        return import;
    }

    private static async Task<StagedImage> StageAgainAsync(SidecarInstance pod, string id, byte[] content)
    {
        try
        {
            return await StageAsync(pod, id, content);
        }
        catch (RpcException staged) when (staged.StatusCode == StatusCode.AlreadyExists)
        {
            // The answer to the first try got lost.
            return await pod.Staging.GetImageAsync(new GetImageRequest { ImageId = id });
        }
    }

    private async Task DeleteAllAsync(Cluster cluster, ImportMessage[] imported)
    {
        await cluster.AllReachableAsync();
        foreach (var import in imported)
        {
            var deleted = await cluster[_random.Next(Pods)].Staging.DeleteImageAsync(
                new DeleteImageRequest { ImageId = import.ImageId }, cancellationToken: Deadline);
            Assert.That((deleted.Existed, deleted.PendingPeers.Count), Is.EqualTo((true, 0)), import.ImageId);
        }
    }

    // A pod that is being started again cannot be asked; neither can one whose socket is gone in mid-call.
    private static async Task<T> UntilAnsweredAsync<T>(Func<Task<T>> call)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (RpcException failure) when (failure.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled)
            {
                // Cancelled: the test closed its channel to the pod that it killed.
                await Cluster.BetweenLooks();
            }
            catch (InvalidOperationException)
            {
                await Cluster.BetweenLooks();
            }
        }
    }
}
