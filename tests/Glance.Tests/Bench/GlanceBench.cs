using System.Globalization;
using System.Text;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.Bench;

/// <summary>
/// Glance alone, and with the package in both ways of staging: each round measures all of them one after another, as
/// only ratios within one run mean anything.
/// </summary>
[Explicit("takes minutes; eng/bench-glance runs it")]
[Category("Bench")]
internal sealed class GlanceBench
{
    private const int Rounds = 3;

    private static readonly int Mebibytes = int.Parse(Environment.GetEnvironmentVariable("GLANCE_BENCH_MIB") ?? "256", CultureInfo.InvariantCulture);

    // Files on the volume of the staging areas, or the pool and the bucket of a Ceph of each site's own.
    private static readonly string Store = Environment.GetEnvironmentVariable("GLANCE_BENCH_STORE") ?? "files";

    private static readonly bool WithCeph = Store != "files";

    private static readonly string[] Stores = Store switch
    {
        "ceph" => [Site.Rbd, Site.S3],
        "s3" => [Site.S3, Site.Rbd],
        _ => [Site.Fast, Site.Slow],
    };

    private readonly ImportLimits _limits = new();

    [Test]
    public async Task Table()
    {
        await using var alone = await Site.StartAsync(SiteOptions.GlanceAlone with { WithCeph = WithCeph, WithS3 = WithCeph });
        await using var adopt = await Site.StartAsync(With("adopt"));
        await using var stream = await Site.StartAsync(With("stream"));
        Contender[] contenders = [new("Glance alone", alone, Stores), new("adopt", adopt, Stores), new("stream", stream, Stores)];
        var disk = Disk.Create(alone, Mebibytes << 19);
        var qcow2 = await disk.AsAsync("qcow2");
        var packed = Disk.Gzip(qcow2);
        var file = Path.Combine(alone.Scratch("limits"), "disk");
        await File.WriteAllBytesAsync(file, disk.Raw);

        // The first round only warms everything up.
        await Task.WhenAll(contenders.Select(one => one.RoundAsync(disk.Raw[..(1 << 20)], qcow2, packed)));
        foreach (var one in contenders) one.Forget();
        for (var round = 0; round < Rounds; round++)
        {
            // Each comes first once: what one leaves to be written to the disk holds up the next.
            foreach (var one in contenders.Skip(round).Concat(contenders.Take(round)))
            {
                await one.RoundAsync(disk.Raw, qcow2, packed);
            }

            await _limits.MeasureAsync(file);
        }

        var table = Text(contenders);
        TestContext.Out.WriteLine(table);
        if (Environment.GetEnvironmentVariable("GLANCE_BENCH_TABLE") is { Length: > 0 } written) await File.WriteAllTextAsync(written, table);
        Assert.That(Figures.All.Select(contenders[1].Median), Is.All.GreaterThan(0));
    }

    private static SiteOptions With(string transfer) => new()
    {
        WithCeph = WithCeph,
        WithS3 = WithCeph,
        Plugin = new Dictionary<string, string> { ["transfer"] = transfer, ["recovery_interval"] = "15" },
    };

    private string Text(Contender[] contenders)
    {
        var text = new StringBuilder($"| medians of {Rounds}, {Mebibytes} MiB, half of it noise, into {Store} |");
        foreach (var one in contenders) text.Append($" {one.Name} |");
        text.AppendLine().Append("|---|").Append(string.Concat(contenders.Select(_ => "---|"))).AppendLine();
        foreach (var figure in Figures.All)
        {
            var basis = contenders[0].Median(figure);
            text.Append($"| {figure} |");
            foreach (var one in contenders)
            {
                text.Append(CultureInfo.InvariantCulture, $" {one.Median(figure):0.##} ({one.Median(figure) / basis:0.00}) |");
            }

            text.AppendLine();
        }

        foreach (var (two, one) in ((string, string)[])[(Figures.TwoStores, Figures.ImportRaw), (Figures.TwoDisks, Figures.ImportQcow2)])
        {
            text.Append($"| {two[..^3]}, of the time of one |");
            foreach (var each in contenders) text.Append(CultureInfo.InvariantCulture, $" {each.Median(two) / each.Median(one):0.00} |");
            text.AppendLine();
        }

        foreach (var (limit, figure) in ((string, string)[])[(ImportLimits.Digests, Figures.ImportQcow2), (ImportLimits.DigestsCpu, Figures.ImportQcow2Cpu)])
        {
            var value = _limits.Figures.Median(limit);
            text.AppendLine(CultureInfo.InvariantCulture, $"| {limit}, beside an import of qcow2 | {value:0.##} ({value / contenders[0].Median(figure):0.00}) | | |");
        }

        return text.ToString();
    }
}
