using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>The metrics as Prometheus and its tools see them.</summary>
internal sealed partial class PrometheusTests : ClusterTest
{
    private const string OpenMetrics = "application/openmetrics-text";

    [Test]
    public async Task Scrape_OfThreePods_AnswersEveryQueryOfTheDashboard()
    {
        using var directory = TestDirectory.Create();
        await using var cluster = await Cluster.StartAsync(3);
        await UseAsync(cluster);
        await using var prometheus = await PrometheusServer.StartAsync(
            directory, Enumerable.Range(0, 3).Select(pod => (Cluster.Name(pod), cluster[pod].Ops)), Deadline);

        await UntilAsync(() => prometheus.SeriesAsync("count_over_time(up[1m]) >= 3 and up == 1", Deadline), up =>
            up.Count == 3);

        var known = await KnownMetricsAsync(cluster);
        Assert.Multiple(() =>
        {
            foreach (var query in DashboardQueries())
            {
                Assert.That(Metrics().Matches(query).Select(match => Family(match.Value))
                    .Except(known), Is.Empty, query);
            }
        });
        foreach (var query in DashboardQueries())
        {
            var answer = await prometheus.QueryAsync(Filled(query), Deadline);
            Assert.That(answer.GetProperty("status").GetString(), Is.EqualTo("success"), $"{query}\n{answer}");
        }

        var images = await prometheus.SeriesAsync("sum(glance_staging_images)", Deadline);
        Assert.That(images[0].GetProperty("value")[1].GetString(), Is.EqualTo("1"));
        Assert.That(await prometheus.SeriesAsync(
            Filled("glance_staging_peer_up{namespace=~\"$namespace\"}"), Deadline), Has.Count.EqualTo(6));
    }

    [Test]
    public async Task Page_IsCleanForPromtool_InBothFormats()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await UseAsync(cluster);

        var text = await PageAsync(cluster[0], null);
        var open = await PageAsync(cluster[0], OpenMetrics);

        Assert.That(await LintAsync(text), Is.Empty);
        Assert.That(open, Does.EndWith("# EOF\n"));
        Assert.That(open, Does.Contain("# TYPE glance_staging_uploads counter")
            .And.Contain("glance_staging_uploads_total{"));
    }

    [Test]
    public async Task Page_IsWhatTheDocumentationSays()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await UseAsync(cluster);

        var page = await File.ReadAllLinesAsync(Path.Combine(Root(), "docs", "observability.md"), Deadline);
        var documented = page.SkipWhile(line => !line.StartsWith("<!-- metrics:", StringComparison.Ordinal))
            .TakeWhile(line => line != "<!-- end metrics -->")
                .Where(line => line.StartsWith("| `", StringComparison.Ordinal)).ToList();
        var actual = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var pod in cluster.Running) actual.UnionWith(MetricTable.Rows(await PageAsync(pod, null)));

        var missing = actual.Except(documented).ToList();
        Assert.That(missing, Is.Empty, "these rows are not in docs/observability.md:\n" + string.Join('\n', missing));
        Assert.That(
            documented.Except(actual).Select(row => row.Split('`')[1])
                .Except(MetricTable.Rare), Is.Empty, "only in docs/observability.md");
    }

    [Test]
    public async Task Page_NeverHasAnIdInALabel()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await UseAsync(cluster);

        Assert.That(await PageAsync(cluster[0], null), Does.Not.Match("[0-9a-f]{8}-[0-9a-f]{4}-"));
    }

    [Test]
    public async Task CountersThatAlertsWatch_AreThereFromTheStart()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);

        // An increase is only seen from a sample before it.
        Assert.That(
            await PageAsync(sidecar, null),
            Does.Contain("\nglance_staging_fsync_errors_total{} 0\n")
                .And.Contain("\nglance_staging_corrupt_chunks_total{} 0\n")
                .And.Contain("\nglance_staging_digest_mismatches_total{algorithm=\"md5\"} 0\n"));
    }

    [Test]
    public async Task Exemplars_NameTheTraceOfAMeasurement()
    {
        using var directory = TestDirectory.Create();
        await using var collector = await OtlpCollector.StartAsync();
        await using var sidecar =
            await SidecarInstance.StartUnderAsync(["env", .. collector.Environment], directory.Path);
        const string trace = "0af7651916cd43dd8448eb211c80319c";
        using (var call = sidecar.Staging.GetCapacityAsync(
            new GetCapacityRequest(), new Metadata { { "traceparent", $"00-{trace}-b7ad6b7169203331-01" } }))
        {
            await call;
        }

        var page = await UntilAsync(() => PageAsync(sidecar, OpenMetrics), page =>
            page.Contains("GetCapacity", StringComparison.Ordinal));

        Assert.That(page, Does.Match($"rpc_server_call_duration_seconds_bucket{{[^}}]*GetCapacity[^}}]*}} 1 # {{trace_id=\"{trace}\""));
    }

    // Makes a pod do some of everything that is counted.
    internal static async Task UseAsync(Cluster cluster)
    {
        var (kept, gone) = (NewId(), NewId());
        await StageAsync(cluster[0], kept, Content(1 << 20));
        await RunAsync(cluster[1], new RunImportRequest { ImageId = kept, Stages = { "image_decompression" } });
        await StageAsync(cluster[0], gone, Content(1 << 20));
        await Assert.ThatAsync(
            async () => await RunAsync(cluster[1], new RunImportRequest { ImageId = gone, DiskFormat = "qcow2" }),
            Throws.InstanceOf<RpcException>());
        await cluster[1].Staging.DeleteImageAsync(
            new DeleteImageRequest { ImageId = gone }, cancellationToken: Deadline);
        await ReadAsync(cluster[1], kept);
        await new Glance.Sidecar.V1.Stores.StoresClient(cluster[0].Channel).NoteFallbackAsync(
            new NoteFallbackRequest { Kind = "swift+https", Reason = NoteFallbackRequest.Types.Reason.Driver }, cancellationToken: Deadline);
        await using var files = await Downloads.FileServer.StartAsync(call => Downloads.FileServer.SendAsync(call, Content(1 << 20)));
        var (fetched, rules) = (NewId(), new DownloadRules { AllowedHosts = { files.Url.Host } });
        using var download = new Glance.Sidecar.V1.Downloads.DownloadsClient(cluster[0].Channel).DownloadImage(
            new DownloadImageRequest { ImageId = fetched, Url = files.Url.OriginalString, Rules = rules }, cancellationToken: Deadline);
        await download.ResponseStream.ReadAllAsync(Deadline).LastAsync(Deadline);
        await cluster[0].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = fetched }, cancellationToken: Deadline);
        // A failure is measured as well, and takes no store.
        var target = new RbdTarget { ConfigurationFile = "/none.conf", Pool = "none", Order = 23 };
        using var store = new Glance.Sidecar.V1.Stores.StoresClient(cluster[0].Channel).StoreOutput(
            new StoreOutputRequest { SourceId = kept, Store = "none", Target = new StoreTarget { Rbd = target } },
            cancellationToken: Deadline);
        await Assert.ThatAsync(() => store.ResponseStream.ReadAllAsync(Deadline).ToListAsync(Deadline).AsTask(), Throws.InstanceOf<RpcException>());
    }

    private static async Task<string> PageAsync(SidecarInstance pod, string? type)
    {
        using var http = new HttpClient { BaseAddress = pod.Ops };
        if (type is not null)
        {
            http.DefaultRequestHeaders.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(type + ";version=1.0.0"));
        }

        using var answer = await http.GetAsync("/metrics", Deadline);
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo(type ?? "text/plain"));
        return await answer.Content.ReadAsStringAsync(Deadline);
    }

    private static async Task<string> LintAsync(string page)
    {
        using var promtool = Process.Start(new ProcessStartInfo("promtool", ["check", "metrics"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        await promtool.StandardInput.WriteAsync(page);
        promtool.StandardInput.Close();
        var output =
            await Task.WhenAll(promtool.StandardOutput.ReadToEndAsync(), promtool.StandardError.ReadToEndAsync());
        await promtool.WaitForExitAsync(Deadline);
        return string.Concat(output);
    }

    // Families that some pod shows, and those that are only there once something happened that these pods did not do.
    private static async Task<HashSet<string>> KnownMetricsAsync(Cluster cluster)
    {
        var known = new HashSet<string>(MetricTable.Rare, StringComparer.Ordinal);
        foreach (var pod in cluster.Running)
        {
            foreach (var line in (await PageAsync(pod, null)).Split('\n'))
            {
                if (line.StartsWith("# TYPE ", StringComparison.Ordinal)) known.Add(line.Split(' ')[2]);
            }
        }

        return known;
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Sidecar.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("Not below the repository.");
    }

    private static string Family(string name) => Parts().Replace(name, "");

    private static string Filled(string query) => query
        .Replace("$__rate_interval", "30s", StringComparison.Ordinal)
        .Replace("$namespace", ".*", StringComparison.Ordinal)
        .Replace("$pod", ".*", StringComparison.Ordinal);

    private static List<string> DashboardQueries()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Observability", "dashboard.json");
        using var dashboard = JsonDocument.Parse(File.ReadAllText(path));
        return
        [
            .. dashboard.RootElement.GetProperty("panels").EnumerateArray()
                .Where(panel => panel.TryGetProperty("targets", out _))
                .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
                .Select(target => target.GetProperty("expr").GetString()!),
        ];
    }

    [GeneratedRegex(@"\b(glance_staging|rpc_server|process)_\w+")]
    private static partial Regex Metrics();

    [GeneratedRegex("_(bucket|count|sum)$")]
    private static partial Regex Parts();
}
