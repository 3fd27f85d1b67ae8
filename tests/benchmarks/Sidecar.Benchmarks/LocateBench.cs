using System.Diagnostics;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using PeersApi = Glance.Sidecar.V1.Peers;
using StagingApi = Glance.Sidecar.V1.Staging;

namespace Sidecar.Benchmarks;

/// <summary>
/// What it costs to find an owner among many peers, on loopback. Each row is a kind of call; times and CPU are also given as
/// multiples of a call that the owner answers itself. The daemons have processes of their own, or all are in this one.
/// </summary>
internal static class LocateBench
{
    // Of all calls of a row together, so that many peers take no longer than few.
    private const int Answers = 40_000;
    private const int PeerPort = 9394;

    // Pods tell the others once a second what was staged. A thousand in one process take longer, and are not waited for.
    private static readonly TimeSpan AnnouncedWithin = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan WarmUpDeadline = TimeSpan.FromMinutes(5);

    private static readonly (string Name, string Value)[] WithoutProbes =
    [
        ("SIDECAR_Peers__ProbeInterval", "01:00:00"), ("SIDECAR_Peers__ResolveInterval", "01:00:00"),
    ];

    public static async Task RunAsync(int peers, bool processes)
    {
        // In one process every daemon's metrics would count what all of them do, and a thousand times thousand series take the time.
        if (!processes) Environment.SetEnvironmentVariable("OTEL_SDK_DISABLED", "true");
        var directory = Directory.CreateTempSubdirectory("bench-");
        var pods = new IPod[peers + 1];
        try
        {
            // Last the one that is asked, so that all peers are there when it first looks for them.
            for (var pod = peers; pod >= 0; pod--) pods[pod] = await StartAsync(directory.FullName, pod, peers, processes);
            await Task.WhenAll(pods.Select(pod => pod.ReadyAsync()));
            var owned = await FillAsync(pods);
            var where = processes ? "with processes of their own" : "in one process";
            Console.WriteLine(Numbers.Text($"{peers} peers {where}, {owned.Count} images and imports, one call at a time"));
            Console.WriteLine();
            Console.WriteLine("| call | p50 ms | p99 ms | p50, of the first row | p99, of the first row | CPU, of the first row |");
            Console.WriteLine("|---|---|---|---|---|---|");
            await MeasureAsync(pods, owned, processes);
        }
        finally
        {
            foreach (var pod in pods)
            {
                if (pod is not null) await pod.DisposeAsync();
            }

            directory.Delete(recursive: true);
        }
    }

    private static async Task<IPod> StartAsync(string directory, int pod, int peers, bool process)
    {
        var home = Path.Combine(directory, Numbers.Text($"{pod}"));
        // The pod that is asked knows all; the others need to know nobody but it.
        string[] known = pod == 0
            ? [.. Enumerable.Range(1, peers).Select(peer => $"{Name(peer)}={Address(peer)}")]
            : [$"{Name(0)}={Address(0)}"];
        return process
            ? await BenchPod.StartAsync(home, Name(pod), Address(pod), WithoutProbes, known)
            : await BenchHost.StartAsync(home, Name(pod), Address(pod), known);
    }

    private static async Task<List<Owned>> FillAsync(IPod[] pods)
    {
        var owned = new List<Owned>();
        var peers = pods.Length - 1;
        var images = Answers / peers;
        for (var image = 0; image < images; image++)
        {
            var pod = 1 + (image * peers / images);
            var imageId = await StageAsync(pods[pod]);
            owned.Add(new Owned(pod, imageId, await ImportAsync(pods[pod], imageId)));
        }

        Random.Shared.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(owned));
        return owned;
    }

    private static async Task MeasureAsync(IPod[] pods, List<Owned> owned, bool announce)
    {
        var staging = new StagingApi.StagingClient(pods[0].Channel);
        var imports = new Imports.ImportsClient(pods[0].Channel);
        var peers = new PeersApi.PeersClient(pods[0].Channel);
        await WarmUpAsync(peers, owned);

        var table = new CallTable(pods);
        await table.RowAsync("the owner itself: GetImport", owned, each => new Imports.ImportsClient(pods[each.Pod].Channel)
            .GetImportAsync(new GetImportRequest { ImportId = each.ImportId }).ResponseAsync);
        if (announce)
        {
            await Task.Delay(AnnouncedWithin);
            await table.RowAsync("an image through another pod, for the first time: GetImage", owned, each =>
                staging.GetImageAsync(new GetImageRequest { ImageId = each.ImageId }).ResponseAsync);
        }

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
        // Anything else ends the benchmark.
        var status = await LocateAsync(peers);
        if (status != StatusCode.NotFound) throw new InvalidOperationException($"An image that is nowhere is {status}.");
    }

    private static async Task<StatusCode> LocateAsync(PeersApi.PeersClient peers)
    {
        try
        {
            await peers.LocateAsync(new LocateRequest { ImageId = Guid.NewGuid().ToString("D") });
            return StatusCode.OK;
        }
        catch (RpcException failure)
        {
            return failure.StatusCode;
        }
    }

    // Connections open to all peers, code compiled.
    private static async Task WarmUpAsync(PeersApi.PeersClient peers, List<Owned> owned)
    {
        for (var started = Stopwatch.GetTimestamp(); await LocateAsync(peers) == StatusCode.Unavailable;)
        {
            if (Stopwatch.GetElapsedTime(started) > WarmUpDeadline) throw new TimeoutException("Some peers never answered.");
        }

        foreach (var _ in owned) await LocateNothingAsync(peers);
    }

    private static async Task<string> StageAsync(IPod pod)
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

    private static async Task<string> ImportAsync(IPod pod, string imageId)
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
    private sealed class CallTable(IPod[] pods)
    {
        private double _firstMedian;
        private double _firstTail;
        private double _firstCpu;

        public async Task RowAsync(string name, List<Owned> owned, Func<Owned, Task> call)
        {
            var times = new List<double>();
            var cpu = Cpu();
            foreach (var each in owned)
            {
                var started = Stopwatch.GetTimestamp();
                await call(each);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }

            var cpuOfOne = (Cpu() - cpu).TotalMilliseconds / owned.Count;
            var median = Numbers.Median(times);
            var tail = Numbers.Quantile(times, 0.99);
            if (_firstMedian == 0) (_firstMedian, _firstTail, _firstCpu) = (median, tail, cpuOfOne);
            Console.WriteLine(Numbers.Text(
                $"| {name} | {median:F2} | {tail:F2} | {median / _firstMedian:F1} | {tail / _firstTail:F1} | {cpuOfOne / _firstCpu:F1} |"));
        }

        // The client's, too, which is the same in each row.
        private TimeSpan Cpu() => pods.Aggregate(Environment.CpuUsage.TotalTime, (sum, pod) => sum + pod.CpuTime);
    }
}
