using System.Diagnostics;
using Glance.Sidecar.V1;

namespace Sidecar.Benchmarks;

/// <summary>
/// An import asked of the owner itself, of another pod, and of another pod that has the output fetched: three daemon
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
            var imageId = await owner.StageAsync(MakeDisk(directory.FullName, mebibytes));
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
        FetchedToAnotherPod,
    }

    private static string MakeDisk(string directory, int mebibytes)
    {
        var (raw, disk) = (Path.Combine(directory, "raw"), Path.Combine(directory, "disk.qcow2"));
        BenchDisk.WriteRaw(raw, mebibytes);
        using var convert = Process.Start("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, disk]);
        convert.WaitForExit();
        File.Delete(raw);
        return disk;
    }

    private static Task<double> ImportAsync(BenchPod pod, string imageId, Kind kind) => pod.ImportAsync(new RunImportRequest
    {
        ImageId = imageId,
        ImportId = Guid.NewGuid().ToString("D"),
        OutputPlacement = kind == Kind.FetchedToAnotherPod ? OutputPlacement.BringHere : OutputPlacement.StayWithOwner,
    });

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
            $"Bytes that were sent for one fetched output, of its length: {sent / (rounds + 1) / ((long)mebibytes << 20):F3}"));
    }

    private static string Name(Kind kind) => kind switch
    {
        Kind.AtTheOwner => "the owner",
        Kind.ThroughAnotherPod => "another pod, the output stays",
        Kind.FetchedToAnotherPod => "another pod, the output is fetched",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
