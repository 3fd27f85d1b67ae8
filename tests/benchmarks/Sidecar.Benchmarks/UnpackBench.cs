using System.Diagnostics;
using Glance.Sidecar.V1;

namespace Sidecar.Benchmarks;

/// <summary>
/// The import of a compressed raw disk beside what one would type for it: the same program into <c>dd</c>, which leaves
/// out holes and syncs. Both by turns in every round, for each kind of compression.
/// </summary>
internal static class UnpackBench
{
    private static readonly string[] Programs = ["gzip", "xz", "zstd", "bzip2", "lz4"];

    public static async Task RunAsync(int rounds, int mebibytes)
    {
        var directory = Directory.CreateTempSubdirectory("bench-");
        try
        {
            using var pod = await BenchPod.StartAsync(directory.FullName + "/0", "bench-0", "127.89.0.1:9394");
            var raw = Path.Combine(directory.FullName, "raw");
            BenchDisk.WriteRaw(raw, mebibytes);
            Console.WriteLine(Numbers.Text(
                $"raw disk of {mebibytes} MiB, a quarter of it noise, compressed; medians of {rounds} rounds"));
            Console.WriteLine("| packed by | import, of the time of PROGRAM -dc into dd conv=sparse,fsync |");
            Console.WriteLine("|---|---|");
            foreach (var program in Programs)
            {
                Shell(Numbers.Text($"{program} -1 -c < {raw} > {raw}.packed"));
                var ratio = await CompareAsync(pod, program, raw + ".packed", rounds);
                Console.WriteLine(Numbers.Text($"| {program} | {ratio:F2} |"));
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<double> CompareAsync(BenchPod pod, string program, string packed, int rounds)
    {
        var imageId = await pod.StageAsync(packed);
        var (imports, shells) = (new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var request = new RunImportRequest
            {
                ImageId = imageId, ImportId = Guid.NewGuid().ToString("D"), Stages = { "image_decompression" },
                WithoutDigests = true,
            };
            var import = await pod.ImportAsync(request);
            var shell = Shell(Numbers.Text(
                $"{program} -dc < {packed} | dd of={packed}.out bs=1M iflag=fullblock conv=sparse,fsync status=none"));
            File.Delete(packed + ".out");
            if (round == 0) continue; // the first warms up
            imports.Add(import);
            shells.Add(shell);
        }

        return Numbers.Median(imports) / Numbers.Median(shells);
    }

    private static double Shell(string line)
    {
        var started = Stopwatch.GetTimestamp();
        using var shell = Process.Start("sh", ["-c", line]);
        shell.WaitForExit();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
