using System.Diagnostics;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using StagingApi = Glance.Sidecar.V1.Staging;

namespace Sidecar.Benchmarks;

/// <summary>
/// An import asked of the owner itself, of another pod, and of another pod that has the output brought: three daemon
/// processes, qcow2 to raw by qemu-img, the three kinds one after another in every round.
/// </summary>
internal static class ForwardBench
{
    private const string Owner = "bench-0=127.89.0.1:9394";
    private const string Other = "bench-1=127.89.0.2:9394";

    public static async Task RunAsync(int rounds, int mebibytes)
    {
        var directory = Directory.CreateTempSubdirectory("bench-");
        try
        {
            using var owner = await BenchPod.StartAsync(directory.FullName + "/0", "bench-0", "127.89.0.1:9394", Other);
            using var other = await BenchPod.StartAsync(directory.FullName + "/1", "bench-1", "127.89.0.2:9394", Owner);
            var imageId = await StageAsync(owner, MakeDisk(directory.FullName, mebibytes));
            var times = Enum.GetValues<Kind>().ToDictionary(kind => kind, _ => new List<double>());
            for (var round = 0; round <= rounds; round++)
            {
                foreach (var kind in Enum.GetValues<Kind>())
                {
                    var seconds = await ImportAsync(kind == Kind.AtTheOwner ? owner : other, imageId, kind);
                    if (round > 0) times[kind].Add(seconds); // the first warms up
                }
            }

            await ReportAsync(other, times, rounds, mebibytes);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private enum Kind
    {
        AtTheOwner,
        ThroughAnotherPod,
        BroughtToAnotherPod,
    }

    // A quarter of noise that does not compress, the rest a hole: as an image of a fresh system.
    private static string MakeDisk(string directory, int mebibytes)
    {
        var (raw, disk) = (Path.Combine(directory, "raw"), Path.Combine(directory, "disk.qcow2"));
        using (var file = File.OpenHandle(raw, FileMode.Create, FileAccess.Write))
        {
            var noise = new byte[1 << 20];
            for (var at = 0; at < mebibytes / 4; at++)
            {
                Random.Shared.NextBytes(noise);
                RandomAccess.Write(file, noise, (long)at * 2 << 20); // every other mebibyte
            }

            RandomAccess.SetLength(file, (long)mebibytes << 20);
        }

        using var convert = Process.Start("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, disk]);
        convert.WaitForExit();
        File.Delete(raw);
        return disk;
    }

    private static async Task<string> StageAsync(BenchPod pod, string path)
    {
        var imageId = Guid.NewGuid().ToString("D");
        using var call = new StagingApi.StagingClient(pod.Channel).Stage();
        await call.RequestStream.WriteAsync(new StageRequest { Header = new StageHeader { ImageId = imageId } });
        await using var file = File.OpenRead(path);
        var buffer = new byte[512 << 10];
        while (await file.ReadAsync(buffer) is > 0 and var read)
        {
            var chunk = new StageChunk { Data = ByteString.CopyFrom(buffer.AsSpan(0, read)) };
            await call.RequestStream.WriteAsync(new StageRequest { Chunk = chunk });
        }

        await call.RequestStream.WriteAsync(new StageRequest { Finish = new StageFinish { TotalSize = (ulong)file.Length } });
        await call.RequestStream.CompleteAsync();
        await call.ResponseAsync;
        return imageId;
    }

    private static async Task<double> ImportAsync(BenchPod pod, string imageId, Kind kind)
    {
        var imports = new Imports.ImportsClient(pod.Channel);
        var request = new RunImportRequest
        {
            ImageId = imageId,
            ImportId = Guid.NewGuid().ToString("D"),
            OutputPlacement = kind == Kind.BroughtToAnotherPod ? OutputPlacement.BringHere : OutputPlacement.StayWithOwner,
        };
        var started = Stopwatch.GetTimestamp();
        using var call = imports.RunImport(request);
        await foreach (var _ in call.ResponseStream.ReadAllAsync()) { }
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = request.ImportId, KeepImage = true });
        return seconds;
    }

    private static async Task ReportAsync(BenchPod other, Dictionary<Kind, List<double>> times, int rounds, int mebibytes)
    {
        Console.WriteLine(Numbers.Text($"qcow2 of {mebibytes} MiB, a quarter of it data, to raw; medians of {rounds} rounds"));
        Console.WriteLine("| import asked of | of the time at the owner |");
        Console.WriteLine("|---|---|");
        var local = Numbers.Median(times[Kind.AtTheOwner]);
        foreach (var (kind, seconds) in times)
        {
            Console.WriteLine(Numbers.Text($"| {Name(kind)} | {Numbers.Median(seconds) / local:F2} |"));
        }

        var sent = await other.CounterAsync("glance_staging_transfer_bytes_total", "output");
        Console.WriteLine(Numbers.Text(
            $"Bytes that were sent for one brought output, of its length: {sent / (rounds + 1) / ((long)mebibytes << 20):F3}"));
    }

    private static string Name(Kind kind) => kind switch
    {
        Kind.AtTheOwner => "the owner",
        Kind.ThroughAnotherPod => "another pod, the output stays",
        Kind.BroughtToAnotherPod => "another pod, the output is brought",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
