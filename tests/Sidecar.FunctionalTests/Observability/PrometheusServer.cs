using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>A real Prometheus that scrapes daemons of the test.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private static readonly string[] OfTarget = ["__name__", "instance", "job", "namespace", "pod"];

    private readonly Process _process;
    private readonly HttpClient _http;

    private PrometheusServer(Process process, int port)
    {
        _process = process;
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
    }

    public static async Task<PrometheusServer> StartAsync(
        TestDirectory directory, IEnumerable<(string Pod, Uri Ops)> targets, CancellationToken deadline)
    {
        var groups = targets.Select(target =>
            $"      - {{targets: ['{target.Ops.Authority}'], labels: {{namespace: test, pod: {target.Pod}}}}}");
        await File.WriteAllTextAsync(
            directory["prometheus.yml"],
            "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: glance-staging\n    static_configs:\n"
            + string.Join('\n', groups) + "\n",
            deadline);
        var port = FreePort();
        var server = new PrometheusServer(
            Process.Start(new ProcessStartInfo("prometheus",
            [
                "--config.file=" + directory["prometheus.yml"], "--storage.tsdb.path=" + directory["tsdb"],
                $"--web.listen-address=127.0.0.1:{port}", "--log.level=error", "--enable-feature=exemplar-storage",
            ]))!,
            port);
        while (!await server.IsReadyAsync(deadline)) await Cluster.BetweenLooks();
        return server;
    }

    /// <summary>The result of a query, as Prometheus answers it; its status is not always success.</summary>
    public async Task<JsonElement> QueryAsync(string expression, CancellationToken deadline)
    {
        using var form = new FormUrlEncodedContent([new("query", expression)]);
        using var answer = await _http.PostAsync("/api/v1/query", form, deadline);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(deadline));
        return document.RootElement.Clone();
    }

    /// <summary>What an instant vector query finds.</summary>
    public async Task<IReadOnlyList<JsonElement>> SeriesAsync(string expression, CancellationToken deadline) =>
        [.. (await QueryAsync(expression, deadline)).GetProperty("data").GetProperty("result").EnumerateArray()];

    /// <summary>Exemplars of a series within the last minutes.</summary>
    public async Task<string> ExemplarsAsync(string series, CancellationToken deadline)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return await _http.GetStringAsync(
            $"/api/v1/query_exemplars?query={Uri.EscapeDataString(series)}&start={now - 600}&end={now + 60}", deadline);
    }

    /// <summary>
    /// Each metric that is stored, with the names of its labels but for those that Prometheus adds to a target's, its
    /// type and its unit.
    /// </summary>
    public async Task<IReadOnlyList<string>> StoredAsync(CancellationToken deadline)
    {
        var metadata = await DataAsync("/api/v1/metadata", deadline);
        var labels = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var series in (await DataAsync("/api/v1/series?match[]={job=~\".%2B\"}", deadline)).EnumerateArray())
        {
            var name = series.GetProperty("__name__").GetString()!;
            if (!labels.TryGetValue(name, out var known)) labels[name] = known = new(StringComparer.Ordinal);
            known.UnionWith(series.EnumerateObject().Select(label => label.Name).Except(OfTarget));
        }

        return [.. labels.Where(metric => FamilyOf(metric.Key, metadata) is not null)
            .Select(metric => $"{metric.Key}{{{string.Join(',', metric.Value)}}} {FamilyOf(metric.Key, metadata)}")];
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
    }

    private async Task<JsonElement> DataAsync(string path, CancellationToken deadline)
    {
        using var document = JsonDocument.Parse(await _http.GetStringAsync(path, deadline));
        return document.RootElement.GetProperty("data").Clone();
    }

    // Metadata is of families: of a counter without _total, of a histogram without what its parts end with.
    private static string? FamilyOf(string metric, JsonElement metadata)
    {
        foreach (var part in (string[])["", "_total", "_bucket", "_count", "_sum", "_created"])
        {
            if (metric.EndsWith(part, StringComparison.Ordinal)
                && metadata.TryGetProperty(metric[..^part.Length], out var family))
            {
                return $"{family[0].GetProperty("type").GetString()} {family[0].GetProperty("unit").GetString()}".TrimEnd();
            }
        }

        return null; // made by Prometheus itself, such as up
    }

    private async Task<bool> IsReadyAsync(CancellationToken deadline)
    {
        try
        {
            using var answer = await _http.GetAsync("/-/ready", deadline);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException) when (!_process.HasExited)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
