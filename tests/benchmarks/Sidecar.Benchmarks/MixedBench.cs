using System.Diagnostics;
using Glance.Sidecar.V1;

namespace Sidecar.Benchmarks;

/// <summary>Imports of several kinds, at once and one after another, on a daemon that runs as many at a time as it would by itself.</summary>
internal static class MixedBench
{
    private const int Imports = 16;

    private static readonly string[] Kinds =
    [
        "gzip -1 -c < IN > OUT", "xz -1 -c --threads=0 --block-size=8MiB < IN > OUT",
        "qemu-img convert -f raw -O qcow2 IN OUT", "qemu-img convert -f raw -O vmdk IN OUT",
    ];

    public static async Task RunAsync(int rounds, int mebibytes)
    {
        var directory = Directory.CreateTempSubdirectory("bench-");
        try
        {
            using var pod = await BenchPod.StartAsync(directory.FullName + "/0", "bench-0", "127.89.0.1:9394");
            var raw = Path.Combine(directory.FullName, "raw");
            BenchDisk.WriteRaw(raw, mebibytes, parts: 2);
            var images = new List<string>();
            for (var number = 0; number < Imports; number++) images.Add(await StageAsync(pod, raw, Kinds[number % Kinds.Length]));
            var (together, first, gain) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round <= rounds; round++)
            {
                var started = Stopwatch.GetTimestamp();
                foreach (var image in images) await ImportAsync(pod, image);
                var oneByOne = Stopwatch.GetElapsedTime(started).TotalSeconds;
                started = Stopwatch.GetTimestamp();
                var ends = await Task.WhenAll(images.Select(image => ImportAsync(pod, image)));
                if (round == 0) continue; // warms up
                together.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
                first.Add(ends.Min() / ends.Max());
                gain.Add(oneByOne / together[^1]);
            }

            Console.WriteLine(Numbers.Text(
                $"{Imports} imports of {mebibytes} MiB, half of it noise (gzip, xz, qcow2 and VMDK by turns), asked for at once:"));
            Console.WriteLine(Numbers.Text(
                $"{Numbers.Median(gain):F2} ({gain.Min():F2} to {gain.Max():F2}) of the rate of one after another;"));
            Console.WriteLine(Numbers.Text(
                $"the first had ended after {Numbers.Median(first):F2} of the time of the last."));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<string> StageAsync(BenchPod pod, string raw, string make)
    {
        var packed = raw + ".packed";
        UnpackBench.Shell(make.Replace("IN", raw, StringComparison.Ordinal).Replace("OUT", packed, StringComparison.Ordinal));
        return await pod.StageAsync(packed);
    }

    private static Task<double> ImportAsync(BenchPod pod, string imageId) => pod.ImportAsync(new RunImportRequest
    {
        ImageId = imageId, ImportId = Guid.NewGuid().ToString("D"), OutputDiskFormat = "raw", WithoutDigests = true,
        Stages = { "image_decompression", "image_conversion" },
    });
}
