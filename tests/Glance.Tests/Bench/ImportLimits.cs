using System.Diagnostics;
using System.Globalization;
using Glance.Tests.Harness;

namespace Glance.Tests.Bench;

/// <summary>What the machine allows an import whose bytes nobody has hashed yet: Glance wants md5 and sha512 of every image.</summary>
internal sealed class ImportLimits
{
    public const string Digests = "`openssl dgst` of the disk, md5 and sha512 at once, s";
    public const string DigestsCpu = "the same, CPU s   ";

    private static readonly string[] Algorithms = ["-md5", "-sha512"];

    public Measurements Figures { get; } = new();

    /// <param name="file">The disk, as an import makes it.</param>
    public async Task MeasureAsync(string file)
    {
        var (clock, before) = (Stopwatch.StartNew(), ChildrensCpuSeconds());
        await Task.WhenAll(Algorithms.Select(algorithm => Command.RunAsync(["openssl", "dgst", algorithm, file])));
        Figures.Add(Digests, clock.Elapsed.TotalSeconds);
        Figures.Add(DigestsCpu, ChildrensCpuSeconds() - before);
    }

    // proc(5): cutime and cstime, of children that ended; whatever else a site runs goes on meanwhile.
    private static double ChildrensCpuSeconds()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[13..15].Sum(field => double.Parse(field, CultureInfo.InvariantCulture)) / PodProcesses.TicksPerSecond;
    }
}
