using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>
/// What a real Prometheus stores of the daemons, against what it stored when the daemon wrote its pages itself, before
/// the exporter of OpenTelemetry did: dashboards and rules in the field know these metrics by name and label.
/// </summary>
internal sealed class StoredMetricsTests : ClusterTest
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";

    [Test]
    public async Task Metrics_AreStored_WithTheTypesUnitsAndLabelsThatTheyAlwaysHad()
    {
        using var directory = TestDirectory.Create();
        await using var cluster = await Cluster.StartAsync(2);
        await PrometheusTests.UseAsync(cluster);
        await using var prometheus = await PrometheusServer.StartAsync(
            directory, Enumerable.Range(0, 2).Select(pod => (Cluster.Name(pod), cluster[pod].Ops)), Deadline);
        await UntilAsync(() => prometheus.SeriesAsync("up == 1", Deadline), up => up.Count == 2);
        var recorded = await File.ReadAllLinesAsync(
            Path.Combine(AppContext.BaseDirectory, "Observability", "stored-metrics.txt"), Deadline);

        var stored = await prometheus.StoredAsync(Deadline);

        Assert.That(recorded.Except(stored), Is.Empty, string.Join('\n', stored));
    }

    [TestCase("rpc_server_call_duration_seconds_bucket")]
    [TestCase("glance_staging_uploads_total")]
    public async Task Exemplars_AreStored_WithTheTraceOfTheirMeasurement(string series)
    {
        using var directory = TestDirectory.Create();
        await using var collector = await OtlpCollector.StartAsync();
        await using var sidecar =
            await SidecarInstance.StartUnderAsync(["env", .. collector.Environment], directory.Path);
        await using var prometheus = await PrometheusServer.StartAsync(
            directory, [("glance-0", sidecar.Ops)], Deadline);

        await StageTracedAsync(sidecar);

        await UntilAsync(
            () => prometheus.ExemplarsAsync(series, Deadline),
            exemplars => exemplars.Contains($"\"trace_id\":\"{Trace}\"", StringComparison.Ordinal));
    }

    private static async Task StageTracedAsync(SidecarInstance sidecar)
    {
        var traced = new Metadata { { "traceparent", $"00-{Trace}-b7ad6b7169203331-01" } };
        using var call = sidecar.Staging.Stage(traced, cancellationToken: Deadline);
        await call.RequestStream.WriteAsync(new StageRequest { Header = new StageHeader { ImageId = NewId() } });
        await call.RequestStream.WriteAsync(new StageRequest { Finish = new StageFinish { TotalSize = 0 } });
        await call.RequestStream.CompleteAsync();
        await call;
    }
}
