using System.Diagnostics;
using Glance.Sidecar.V1;

namespace Sidecar.Benchmarks;

/// <summary>
/// The import of a raw disk that is compressed, or of another format, beside what one would type for it: the program into
/// <c>dd</c>, which leaves out holes and syncs, or <c>qemu-img</c>. Both by turns in every round, for each kind.
/// </summary>
internal static class UnpackBench
{
    private const string IntoFile = " | dd of=OUT bs=1M iflag=fullblock conv=sparse,fsync status=none";
    private const string Convert = "qemu-img convert -f raw -O ";
    private const string ToRaw = " -O raw -m 16 -W IN OUT && sync OUT";

    // IN and OUT stand for files. By hand the best program for it: with all threads where one can.
    private static readonly (string Name, string Make, string ByHand)[] Ways =
    [
        ("gzip", "gzip -1 -c < IN > OUT", "pigz -dc < IN" + IntoFile),
        ("xz, one block", "xz -1 -c --threads=1 < IN > OUT", "xz -dc < IN" + IntoFile),
        ("xz, blocks of 8 MiB", "xz -1 -c --threads=0 --block-size=8MiB < IN > OUT", "xz -dc --threads=0 < IN" + IntoFile),
        ("zstd", "zstd -q -1 -c < IN > OUT", "zstd -dc < IN" + IntoFile),
        ("zstd, frames of pzstd", "pzstd -q -1 -c < IN > OUT", "pzstd -q -dc < IN" + IntoFile),
        ("bzip2", "bzip2 -1 -c < IN > OUT", "lbzip2 -dc < IN" + IntoFile),
        ("lz4", "lz4 -q -1 -c < IN > OUT", "lz4 -dc < IN" + IntoFile),
        ("qcow2", Convert + "qcow2 IN OUT", "qemu-img convert -f qcow2" + ToRaw),
        ("qcow2, compressed", Convert + "qcow2 -c IN OUT", "qemu-img convert -f qcow2" + ToRaw),
        ("VMDK", Convert + "vmdk IN OUT", "qemu-img convert -f vmdk" + ToRaw),
        ("VHDX", Convert + "vhdx IN OUT", "qemu-img convert -f vhdx" + ToRaw),
        ("streamOptimized VMDK", Convert + "vmdk -o subformat=streamOptimized IN OUT", "qemu-img convert -f vmdk" + ToRaw),
    ];

    public static async Task RunAsync(int rounds, int mebibytes)
    {
        var directory = Directory.CreateTempSubdirectory("bench-");
        try
        {
            using var pod = await BenchPod.StartAsync(directory.FullName + "/0", "bench-0", "127.89.0.1:9394");
            var raw = Path.Combine(directory.FullName, "raw");
            BenchDisk.WriteRaw(raw, mebibytes, parts: 2);
            Console.WriteLine(Numbers.Text(
                $"raw disk of {mebibytes} MiB, half of it noise, packed or converted; medians of {rounds} rounds\n"));
            Console.WriteLine("| what | import, of the time by hand |");
            Console.WriteLine("|---|---|");
            foreach (var (name, make, byHand) in Ways)
            {
                Shell(Fill(make, raw, raw + ".packed"));
                Console.WriteLine(Numbers.Text($"| {name} | {await CompareAsync(pod, byHand, raw + ".packed", rounds):F2} |"));
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<double> CompareAsync(BenchPod pod, string byHand, string packed, int rounds)
    {
        var imageId = await pod.StageAsync(packed);
        var (imports, shells) = (new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var request = new RunImportRequest
            {
                ImageId = imageId, ImportId = Guid.NewGuid().ToString("D"), OutputDiskFormat = "raw", WithoutDigests = true,
                Stages = { "image_decompression", "image_conversion" },
            };
            var import = await pod.ImportAsync(request);
            var shell = Shell(Fill(byHand, packed, packed + ".out"));
            File.Delete(packed + ".out");
            if (round == 0) continue; // the first warms up
            imports.Add(import);
            shells.Add(shell);
        }

        return Numbers.Median(imports) / Numbers.Median(shells);
    }

    private static string Fill(string command, string input, string output) =>
        command.Replace("IN", input, StringComparison.Ordinal).Replace("OUT", output, StringComparison.Ordinal);

    /// <summary>Runs a command line; its time in seconds.</summary>
    public static double Shell(string line)
    {
        var started = Stopwatch.GetTimestamp();
        using var shell = Process.Start("sh", ["-c", line]);
        shell.WaitForExit();
        if (shell.ExitCode != 0) throw new InvalidOperationException($"Exit code {shell.ExitCode}: {line}");
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
