using System.Diagnostics;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using PeersApi = Glance.Sidecar.V1.Peers;
using StagingApi = Glance.Sidecar.V1.Staging;

namespace Sidecar.Benchmarks;

/// <summary>
/// What it costs to find an owner among many peers, on loopback. Each row is a kind of call; times are also given as multiples of
/// calls that the owner answers itself, one before each of the row, so that whatever else the machine does meets both; and the CPU of
/// both as multiples of the first row's. The daemons have processes of their own, or all are in this one.
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
            var first = await FillAsync(pods, peers);
            var owned = await FillAsync(pods, Answers / peers);
            var where = processes ? "with processes of their own" : "in one process";
            Console.WriteLine(Numbers.Text($"{peers} peers {where}, {owned.Count} images and imports, one call at a time"));
            Console.WriteLine();
            Console.WriteLine("| call | p50 ms | p99 ms | p50, of the owner's own | p99, of the owner's own | CPU with it, of the first row |");
            Console.WriteLine("|---|---|---|---|---|---|");
            await MeasureAsync(pods, first, owned, processes);
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

    private static async Task<List<Owned>> FillAsync(IPod[] pods, int images)
    {
        var owned = new List<Owned>();
        var peers = pods.Length - 1;
        for (var image = 0; image < images; image++)
        {
            var pod = 1 + (image * peers / images);
            var imageId = await StageAsync(pods[pod]);
            owned.Add(new Owned(pod, imageId, await ImportAsync(pods[pod], imageId)));
        }

        Random.Shared.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(owned));
        return owned;
    }

    // The first are an image and an import of each pod that nobody measures: a process takes longer for its first call of a kind.
    private static async Task MeasureAsync(IPod[] pods, List<Owned> first, List<Owned> owned, bool announce)
    {
        var staging = new StagingApi.StagingClient(pods[0].Channel);
        var imports = new Imports.ImportsClient(pods[0].Channel);
        var peers = new PeersApi.PeersClient(pods[0].Channel);
        Func<Owned, Task> own = each => new Imports.ImportsClient(pods[each.Pod].Channel)
            .GetImportAsync(new GetImportRequest { ImportId = each.ImportId }).ResponseAsync;
        Func<Owned, Task> image = each => staging.GetImageAsync(new GetImageRequest { ImageId = each.ImageId }).ResponseAsync;
        Func<Owned, Task> hinted = each => imports.GetImportAsync(
            new GetImportRequest { ImportId = each.ImportId, OwnerHint = Name(each.Pod) }).ResponseAsync;
        await WarmUpAsync(peers, owned);
        foreach (var each in first)
        {
            foreach (var call in new[] { own, image, hinted }) await call(each);
        }

        var table = new CallTable(pods, own);
        await table.RowAsync("the owner itself: GetImport", owned, own);
        if (announce)
        {
            await Task.Delay(AnnouncedWithin);
            await table.RowAsync("an image through another pod, for the first time: GetImage", owned, image);
        }

        await table.RowAsync("through another pod, with a hint: GetImport", owned[..(owned.Count / 2)], hinted);
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

    /// <summary>The rows, one after another; the first is of the calls that come before each of the others.</summary>
    private sealed class CallTable(IPod[] pods, Func<Owned, Task> own)
    {
        private double _firstCpu;

        public async Task RowAsync(string name, List<Owned> owned, Func<Owned, Task> call)
        {
            var (times, owns) = (new List<double>(), new List<double>());
            var cpu = Cpu();
            for (var index = 0; index < owned.Count; index++)
            {
                // Of another pod as a rule, which has slept as long as that of the call behind it.
                if (call != own) owns.Add(await TimeAsync(own, owned[(index + (owned.Count / 2)) % owned.Count]));
                times.Add(await TimeAsync(call, owned[index]));
            }

            var cpuOfOne = (Cpu() - cpu).TotalMilliseconds / owned.Count;
            if (call == own) (owns, _firstCpu) = (times, cpuOfOne);
            var (median, tail) = (Numbers.Median(times), Numbers.Quantile(times, 0.99));
            var (ownMedian, ownTail) = (Numbers.Median(owns), Numbers.Quantile(owns, 0.99));
            Console.WriteLine(Numbers.Text(
                $"| {name} | {median:F2} | {tail:F2} | {median / ownMedian:F1} | {tail / ownTail:F1} | {cpuOfOne / _firstCpu:F1} |"));
        }

        private static async Task<double> TimeAsync(Func<Owned, Task> call, Owned each)
        {
            var started = Stopwatch.GetTimestamp();
            await call(each);
            return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        // The client's, too, which is the same in each row.
        private TimeSpan Cpu() => pods.Aggregate(Environment.CpuUsage.TotalTime, (sum, pod) => sum + pod.CpuTime);
    }
}
