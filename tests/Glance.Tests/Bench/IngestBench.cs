using System.Diagnostics;
using System.Globalization;
using System.Text;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.Bench;

/// <summary>
/// Uploads through Glance alone, through Glance's Python into the sidecar, and through the ingest, one after another in each
/// round; and the same bytes by <c>stagectl put</c>.
/// </summary>
[Explicit("takes minutes; eng/bench-glance --ingest runs it")]
[Category("IngestBench")]
internal sealed class IngestBench
{
    private const int Rounds = 3;

    private static readonly int Mebibytes = int.Parse(Environment.GetEnvironmentVariable("GLANCE_BENCH_MIB") ?? "256", CultureInfo.InvariantCulture);

    private readonly Measurements _byPut = new();
    private readonly UploadLimits _limits = new();

    [Test]
    public async Task Table()
    {
        var bytes = new byte[Mebibytes << 20];
        new Random(1).NextBytes(bytes);
        var part = bytes[..(bytes.Length / 16)];
        var qcow2 = await QcowAsync(bytes);
        Dictionary<string, Measurements> figures = [];
        var isWarm = false;

        await MeasureAsync(threads: 20, figures, async (doors, sites) =>
        {
            foreach (var door in doors) await door.UploadAsync(bytes);
            foreach (var door in doors) await door.UploadDiskAsync(qcow2);
            foreach (var door in doors) await door.UploadManyAsync(16, part, Uploading.Rate16, memory: Uploading.Memory16);
            await PutAsync(sites, "raw", bytes, Uploading.Rate);
            await PutAsync(sites, "qcow2", qcow2, Uploading.DiskRate);
            await _limits.MeasureAsync(await FileAsync(sites, "raw", bytes));
            if (!isWarm) _byPut.Forget();
            if (!isWarm) _limits.Figures.Forget();
            isWarm = true;
        });
        await MeasureAsync(threads: 4, figures, async (doors, _) =>
        {
            foreach (var door in doors) await door.UploadManyAsync(40, part, Uploading.Rate40, Uploading.Stall40);
        });

        var table = Text(figures);
        TestContext.Out.WriteLine(table);
        if (Environment.GetEnvironmentVariable("GLANCE_BENCH_TABLE") is { Length: > 0 } file) await File.WriteAllTextAsync(file, table);
        Assert.That(figures.Values.Select(one => one.Median(Uploading.Rate)), Is.All.GreaterThan(0));
    }

    // The first round only warms everything up; in the others each comes first once, as what one leaves to be written to the disk
    // holds up the next.
    private static async Task MeasureAsync(int threads, Dictionary<string, Measurements> figures, Func<IEnumerable<Door>, Site, Task> roundAsync)
    {
        await using var alone = await Site.StartAsync(SiteOptions.GlanceAlone with { Threads = threads });
        await using var site = await Site.StartAsync(new SiteOptions { Threads = threads });
        Door[] doors =
        [
            new("Glance alone", alone, () => alone.At(0)), new("through Python", site, () => site.At(0)),
            new("through the ingest", site, () => site.Through(0)),
        ];
        await roundAsync(doors, site);
        foreach (var door in doors) door.Figures.Forget();
        for (var round = 0; round < Rounds; round++) await roundAsync(doors.Skip(round).Concat(doors.Take(round)), site);
        foreach (var door in doors)
        {
            if (!figures.TryGetValue(door.Name, out var all)) figures[door.Name] = all = new Measurements();
            foreach (var figure in Uploading.All)
            {
                if (door.Figures.Median(figure) is { } median) all.Add(figure, median);
            }
        }
    }

    // As qemu-img makes it of such a disk: as long as that, and a little more.
    private static async Task<byte[]> QcowAsync(byte[] bytes)
    {
        var directory = Directory.CreateTempSubdirectory("ingest-bench");
        try
        {
            var (raw, qcow2) = (Path.Combine(directory.FullName, "raw"), Path.Combine(directory.FullName, "qcow2"));
            await File.WriteAllBytesAsync(raw, bytes);
            await Command.RunAsync(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, qcow2]);
            return await File.ReadAllBytesAsync(qcow2);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private async Task PutAsync(Site site, string format, byte[] bytes, string rate)
    {
        var program = Environment.GetEnvironmentVariable("TEST_STAGECTL") ?? throw new InvalidOperationException("TEST_STAGECTL names no stagectl.");
        var file = await FileAsync(site, format, bytes);
        string[] server = ["--server", $"unix://{site.Home(0)}/sidecar.sock"];
        var id = Guid.NewGuid().ToString("D");
        var clock = Stopwatch.StartNew();
        await Command.RunAsync([program, .. server, "put", file, "--id", id, "--format", format]);
        _byPut.Add(rate, bytes.Length / (double)(1 << 20) / clock.Elapsed.TotalSeconds);
        await Command.RunAsync([program, .. server, "rm", id]);
    }

    private static async Task<string> FileAsync(Site site, string format, byte[] bytes)
    {
        var file = Path.Combine(site.Scratch("put"), "disk." + format);
        if (!File.Exists(file)) await File.WriteAllBytesAsync(file, bytes);
        return file;
    }

    private string Text(Dictionary<string, Measurements> figures)
    {
        var basis = figures.First().Value;
        var text = new StringBuilder($"| medians of {Rounds}, {Mebibytes} MiB of noise |").AppendJoin("", figures.Keys.Select(name => $" {name} |"));
        text.AppendLine().Append("|---|").AppendJoin("", figures.Select(_ => "---|")).AppendLine();
        foreach (var figure in Uploading.All)
        {
            text.Append($"| {figure.TrimEnd()} |").AppendJoin("", figures.Values.Select(one => Cell(one.Median(figure), basis.Median(figure)))).AppendLine();
        }

        foreach (var figure in (string[])[Uploading.Rate, Uploading.DiskRate])
        {
            text.AppendLine($"| {figure}, by `stagectl put` over gRPC |{Cell(_byPut.Median(figure), basis.Median(figure))} | |");
        }

        foreach (var figure in UploadLimits.All)
        {
            text.AppendLine($"| {figure} |{Cell(_limits.Figures.Median(figure), basis.Median(Uploading.Rate))} | |");
        }

        return text.ToString();
    }

    private static string Cell(double? value, double? basis) => value is null ? " |"
        : basis is null ? string.Create(CultureInfo.InvariantCulture, $" {value:0.##} |")
        : string.Create(CultureInfo.InvariantCulture, $" {value:0.##} ({value / basis:0.00}) |");
}
