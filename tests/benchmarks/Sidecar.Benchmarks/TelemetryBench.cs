using System.Diagnostics;
using Glance.Sidecar.V1;
using Google.Protobuf;
using StagingApi = Glance.Sidecar.V1.Staging;

namespace Sidecar.Benchmarks;

/// <summary>
/// What it costs to be seen: a scrape of a pod with many images and peers, and an upload with and without metrics and
/// traces, in daemons of their own that take turns.
/// </summary>
internal static class TelemetryBench
{
    private const int Images = 1000;
    private const int Peers = 100;
    private const int Scrapes = 200;
    private const int ChunkBytes = 1 << 20;

    public static async Task RunAsync(int rounds, int mebibytes)
    {
        var directory = Directory.CreateTempSubdirectory("bench-");
        try
        {
            await ScrapeAsync(directory.FullName);
            Console.WriteLine();
            await UploadAsync(directory.FullName, rounds, mebibytes);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task ScrapeAsync(string directory)
    {
        // Nobody is at these addresses: the series of a peer that is down are those of one that is up.
        string[] peers = [.. Enumerable.Range(1, Peers)
            .Select(peer => Numbers.Text($"peer-{peer}=127.88.0.{peer}:9394"))];
        using var pod = await BenchPod.StartAsync(directory + "/scraped", "bench-0", "127.89.0.1:9394", peers);
        var empty = await pod.ScrapeAsync();
        for (var image = 0; image < Images; image++) await StageAsync(pod, 1);
        for (var warmUp = 0; warmUp < Scrapes; warmUp++) await pod.ScrapeAsync();
        var (times, page, before) = (new List<double>(), "", pod.CpuTime);
        for (var scrape = 0; scrape < Scrapes; scrape++)
        {
            var started = Stopwatch.GetTimestamp();
            page = await pod.ScrapeAsync();
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        var (p50, p99) = (Numbers.Median(times), Numbers.Quantile(times, 0.99));
        var cpu = (pod.CpuTime - before).TotalMilliseconds / Scrapes;
        Console.WriteLine(Numbers.Text($"{Images} staged images, {Peers} peers; {Scrapes} scrapes"));
        Console.WriteLine("| series | bytes | series before the images | p50 ms | p99 ms | CPU ms |");
        Console.WriteLine("|---|---|---|---|---|---|");
        Console.WriteLine(Numbers.Text(
            $"| {Series(page)} | {page.Length} | {Series(empty)} | {p50:F2} | {p99:F2} | {cpu:F2} |"));
    }

    private static async Task UploadAsync(string directory, int rounds, int mebibytes)
    {
        await using var sink = await OtlpSink.StartAsync();
        using var off = await BenchPod.StartAsync(
            directory + "/off", "bench-1", "127.89.0.2:9394", [("OTEL_SDK_DISABLED", "true")]);
        using var metrics = await BenchPod.StartAsync(directory + "/metrics", "bench-2", "127.89.0.3:9394");
        using var both = await BenchPod.StartAsync(
            directory + "/both", "bench-3", "127.89.0.4:9394",
                [("OTEL_EXPORTER_OTLP_ENDPOINT", sink.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]);
        (string Name, BenchPod Pod)[] pods =
            [("off", off), ("metrics", metrics), ("metrics and traces, both sent", both)];
        var runs = pods.ToDictionary(pod => pod.Name, _ => new List<(double Seconds, double Cpu)>());
        for (var round = -2; round < rounds; round++)
        {
            foreach (var (name, pod) in pods)
            {
                var (started, before) = (Stopwatch.GetTimestamp(), pod.CpuTime);
                await StageAsync(pod, mebibytes);
                var run = (Stopwatch.GetElapsedTime(started).TotalSeconds, (pod.CpuTime - before).TotalSeconds);
                if (round >= 0) runs[name].Add(run); // those before warm up
            }
        }

        Report(runs, rounds, mebibytes);
    }

    private static void Report(Dictionary<string, List<(double Seconds, double Cpu)>> runs, int rounds, int mebibytes)
    {
        Console.WriteLine(Numbers.Text($"Stage of {mebibytes} MiB, committed and fsynced; medians of {rounds} rounds"));
        Console.WriteLine("| telemetry | time, of off | daemon's CPU, of off |");
        Console.WriteLine("|---|---|---|");
        var seconds = Numbers.Median([.. runs["off"].Select(run => run.Seconds)]);
        var cpu = Numbers.Median([.. runs["off"].Select(run => run.Cpu)]);
        foreach (var (name, each) in runs)
        {
            var time = Numbers.Median([.. each.Select(run => run.Seconds)]) / seconds;
            var work = Numbers.Median([.. each.Select(run => run.Cpu)]) / cpu;
            Console.WriteLine(Numbers.Text($"| {name} | {time:F3} | {work:F3} |"));
        }
    }

    private static int Series(string page) => page.Split('\n').Count(line => line.Length > 0 && line[0] != '#');

    /// <summary>Stages an image, and removes a large one again.</summary>
    private static async Task StageAsync(BenchPod pod, int mebibytes)
    {
        var client = new StagingApi.StagingClient(pod.Channel);
        var imageId = Guid.NewGuid().ToString("D");
        using var call = client.Stage();
        await call.RequestStream.WriteAsync(new StageRequest { Header = new StageHeader { ImageId = imageId } });
        var bytes = mebibytes == 1 ? 4096 : ChunkBytes;
        var chunk =
            new StageRequest { Chunk = new StageChunk { Data = UnsafeByteOperations.UnsafeWrap(new byte[bytes]) } };
        for (var number = 0; number < mebibytes; number++) await call.RequestStream.WriteAsync(chunk);
        var finish = new StageFinish { TotalSize = (ulong)mebibytes * (ulong)bytes };
        await call.RequestStream.WriteAsync(new StageRequest { Finish = finish });
        await call.RequestStream.CompleteAsync();
        await call.ResponseAsync;
        if (mebibytes > 1) await client.DeleteImageAsync(new DeleteImageRequest { ImageId = imageId });
    }
}
