using System.Diagnostics;
using System.IO.Compression;
using K4os.Compression.LZ4.Streams;
using SharpCompress.Compressors.BZip2;
using SharpCompress.Compressors.Xz;
using ZstdSharp;

namespace Sidecar.Benchmarks;

/// <summary>
/// Whether to unpack in the daemon's process or by a program: the libraries that there are beside the programs, both into
/// nothing, by turns.
/// </summary>
internal static class LibraryBench
{
    private static readonly byte[] Buffer = new byte[1 << 20];

    private static readonly (string Program, string Library, Func<Stream, Stream> Open)[] Pairs =
    [
        ("gzip", "System.IO.Compression", packed => new GZipStream(packed, CompressionMode.Decompress)),
        ("xz", "SharpCompress", packed => new XZStream(packed)),
        ("zstd", "ZstdSharp.Port", packed => new DecompressionStream(packed)),
        ("bzip2", "SharpCompress", packed => BZip2Stream.Create(packed, SharpCompress.Compressors.CompressionMode.Decompress, true)),
        ("lz4", "K4os.Compression.LZ4.Streams", packed => LZ4Stream.Decode(packed)),
    ];

    public static void Run(int rounds, int mebibytes)
    {
        var directory = Directory.CreateTempSubdirectory("bench-");
        try
        {
            var raw = Path.Combine(directory.FullName, "raw");
            BenchDisk.WriteRaw(raw, mebibytes);
            Console.WriteLine(Numbers.Text($"unpacking {mebibytes} MiB, a quarter of it noise, into nothing; medians of {rounds} rounds"));
            Console.WriteLine("| packed by | library | of the time of PROGRAM -dc |");
            Console.WriteLine("|---|---|---|");
            foreach (var (program, library, open) in Pairs)
            {
                UnpackBench.Shell($"{program} -1 -c < {raw} > {raw}.packed");
                Console.WriteLine(Numbers.Text($"| {program} | {library} | {Compare(program, open, raw + ".packed", rounds):F2} |"));
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static double Compare(string program, Func<Stream, Stream> open, string packed, int rounds)
    {
        var (libraries, programs) = (new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var library = Read(open, packed);
            var shell = UnpackBench.Shell($"{program} -dc < {packed} > /dev/null");
            if (round == 0) continue; // the first warms up
            libraries.Add(library);
            programs.Add(shell);
        }

        return Numbers.Median(libraries) / Numbers.Median(programs);
    }

    private static double Read(Func<Stream, Stream> open, string packed)
    {
        var started = Stopwatch.GetTimestamp();
        using var file = File.OpenRead(packed);
        using var content = open(file);
        while (content.Read(Buffer) > 0)
        {
            // Into nothing.
        }

        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
