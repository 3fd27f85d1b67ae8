using System.Diagnostics;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using PeersApi = Glance.Sidecar.V1.Peers;
using StagingApi = Glance.Sidecar.V1.Staging;

namespace Sidecar.Benchmarks;

/// <summary>
/// What it costs to find an owner among many peers: all daemons and the client in this process, on loopback. Each row
/// is a kind of call; times and CPU are also given as multiples of a call that the owner answers itself.
/// </summary>
internal static class LocateBench
{
    private const int ImagesOfAPeer = 4;
    private const int PeerPort = 9394;

    public static async Task RunAsync(int peers)
    {
        var directory = Directory.CreateTempSubdirectory("bench-");
        var pods = new List<BenchHost>();
        try
        {
            for (var pod = 0; pod <= peers; pod++) pods.Add(Start(directory.FullName, pod, peers));
            foreach (var pod in pods) await pod.ReadyAsync();
            var owned = await FillAsync(pods);
            Console.WriteLine(Numbers.Text($"{peers} peers, {owned.Count} images and imports, one call at a time"));
            Console.WriteLine("| call | p50 ms | p99 ms | p50, of the first row | CPU, of the first row |");
            Console.WriteLine("|---|---|---|---|---|");
            await MeasureAsync(pods, owned);
        }
        finally
        {
            foreach (var pod in pods) await pod.DisposeAsync();
            directory.Delete(recursive: true);
        }
    }

    private static BenchHost Start(string directory, int pod, int peers) => BenchHost.Start(
        Path.Combine(directory, Numbers.Text($"{pod}")), Name(pod), Address(pod),
        // The pod that is asked knows all; the others need to know nobody but it.
        pod == 0 ? Enumerable.Range(1, peers).Select(peer => $"{Name(peer)}={Address(peer)}") : [$"{Name(0)}={Address(0)}"]);

    private static async Task<List<Owned>> FillAsync(List<BenchHost> pods)
    {
        var owned = new List<Owned>();
        foreach (var (pod, number) in pods.Select((pod, number) => (pod, number)).Skip(1))
        {
            for (var image = 0; image < ImagesOfAPeer; image++)
            {
                var imageId = await StageAsync(pod);
                owned.Add(new Owned(number, imageId, await ImportAsync(pod, imageId)));
            }
        }

        Random.Shared.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(owned));
        return owned;
    }

    private static async Task MeasureAsync(List<BenchHost> pods, List<Owned> owned)
    {
        var staging = new StagingApi.StagingClient(pods[0].Channel);
        var imports = new Imports.ImportsClient(pods[0].Channel);
        var peers = new PeersApi.PeersClient(pods[0].Channel);
        await WarmUpAsync(staging, peers, owned);

        var table = new CallTable();
        await table.RowAsync("the owner itself: GetImport", owned, each => new Imports.ImportsClient(pods[each.Pod].Channel)
            .GetImportAsync(new GetImportRequest { ImportId = each.ImportId }).ResponseAsync);
        await table.RowAsync("through another pod, with a hint: GetImport", owned[..(owned.Count / 2)], each =>
            imports.GetImportAsync(
                new GetImportRequest { ImportId = each.ImportId, OwnerHint = Name(each.Pod) }).ResponseAsync);
        await table.RowAsync("without a hint, all peers asked: GetImport", owned[(owned.Count / 2)..], each =>
            imports.GetImportAsync(new GetImportRequest { ImportId = each.ImportId }).ResponseAsync);
        await table.RowAsync("again, the owner is remembered: GetImport", owned, each =>
            imports.GetImportAsync(new GetImportRequest { ImportId = each.ImportId }).ResponseAsync);
        await table.RowAsync("staged nowhere, all peers asked: Locate", owned, _ => LocateNothingAsync(peers));
    }

    private static async Task LocateNothingAsync(PeersApi.PeersClient peers)
    {
        try
        {
            await peers.LocateAsync(new LocateRequest { ImageId = Guid.NewGuid().ToString("D") });
        }
        catch (RpcException nowhere) when (nowhere.StatusCode == StatusCode.NotFound)
        {
            // As it should be; anything else ends the benchmark.
        }
    }

    // Code compiled, connections open.
    private static async Task WarmUpAsync(
        StagingApi.StagingClient staging, PeersApi.PeersClient peers, List<Owned> owned)
    {
        foreach (var _ in owned) await LocateNothingAsync(peers);
        foreach (var each in owned) await staging.GetImageAsync(new GetImageRequest { ImageId = each.ImageId });
    }

    private static async Task<string> StageAsync(BenchHost pod)
    {
        var imageId = Guid.NewGuid().ToString("D");
        using var call = new StagingApi.StagingClient(pod.Channel).Stage();
        await call.RequestStream.WriteAsync(new StageRequest { Header = new StageHeader { ImageId = imageId } });
        await call.RequestStream.WriteAsync(
            new StageRequest { Chunk = new StageChunk { Data = ByteString.CopyFrom(new byte[4096]) } });
        await call.RequestStream.WriteAsync(new StageRequest { Finish = new StageFinish { TotalSize = 4096 } });
        await call.RequestStream.CompleteAsync();
        await call.ResponseAsync;
        return imageId;
    }

    private static async Task<string> ImportAsync(BenchHost pod, string imageId)
    {
        var request = new RunImportRequest
        {
            ImageId = imageId, ImportId = Guid.NewGuid().ToString("D"), Stages = { "inject_image_metadata" },
        };
        using var call = new Imports.ImportsClient(pod.Channel).RunImport(request);
        await foreach (var _ in call.ResponseStream.ReadAllAsync()) { }
        return request.ImportId;
    }

    private static string Name(int pod) => Numbers.Text($"bench-{pod}");

    private static string Address(int pod) => Numbers.Text($"127.88.{pod / 250}.{(pod % 250) + 1}:{PeerPort}");

    /// <summary>An image, and an import of it, on a pod.</summary>
    private sealed record Owned(int Pod, string ImageId, string ImportId);

    /// <summary>The rows, one after another; the first is what the others are compared with.</summary>
    private sealed class CallTable
    {
        private double _firstMedian;
        private double _firstCpu;

        public async Task RowAsync(string name, List<Owned> owned, Func<Owned, Task> call)
        {
            var times = new List<double>();
            var cpu = Environment.CpuUsage.TotalTime;
            foreach (var each in owned)
            {
                var started = Stopwatch.GetTimestamp();
                await call(each);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }

            var cpuOfOne = (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / owned.Count;
            var median = Numbers.Median(times);
            if (_firstMedian == 0) (_firstMedian, _firstCpu) = (median, cpuOfOne);
            Console.WriteLine(Numbers.Text(
                $"| {name} | {median:F2} | {Numbers.Quantile(times, 0.99):F2} | {median / _firstMedian:F1} | {cpuOfOne / _firstCpu:F1} |"));
        }
    }
}
