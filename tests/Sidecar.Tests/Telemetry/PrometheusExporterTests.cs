using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using NUnit.Framework;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using Sidecar.Telemetry.Prometheus;

namespace Sidecar.Tests.Telemetry;

/// <summary>Instruments in, a page out, through the SDK as in the daemon.</summary>
internal sealed class PrometheusExporterTests : IDisposable
{
    private readonly PrometheusExporter _exporter = new();
    private readonly Meter _meter = new($"test.{Guid.NewGuid()}");
    private readonly MeterProvider _provider;

    public PrometheusExporterTests() => _provider = Sdk.CreateMeterProviderBuilder()
        .AddMeter(_meter.Name)
        .SetExemplarFilter(ExemplarFilterType.TraceBased)
        .AddReader(new BaseExportingMetricReader(_exporter))
        .Build();

    public void Dispose()
    {
        _provider.Dispose();
        _meter.Dispose();
    }

    [Test]
    public void Counter_InBothFormats_HasTotalWhereTheFormatWantsIt()
    {
        _meter.CreateCounter<long>("parcel.received", "By", "Bytes of parcels.").Add(42);

        Assert.That(Page(), Is.EqualTo(
            """
            # HELP parcel_received_bytes_total Bytes of parcels.
            # TYPE parcel_received_bytes_total counter
            parcel_received_bytes_total 42

            """));
        Assert.That(Page(ExpositionFormat.OpenMetrics), Is.EqualTo(
            """
            # HELP parcel_received_bytes Bytes of parcels.
            # TYPE parcel_received_bytes counter
            # UNIT parcel_received_bytes bytes
            parcel_received_bytes_total 42
            # EOF

            """));
    }

    [Test]
    public void LabelValues_WithQuotesLinesAndBackslashes_StayOneLineEach()
    {
        _meter.CreateCounter<long>("c").Add(1, new KeyValuePair<string, object?>("a.b", "x\"y\nz\\"));

        Assert.That(Samples(), Is.EqualTo(new[] { """c_total{a_b="x\"y\nz\\"} 1""" }));
    }

    [Test]
    public void Help_WithALineBreak_StaysOneLine()
    {
        _meter.CreateCounter<long>("c", null, "one\ntwo \\ \"three\"").Add(1);

        Assert.That(Page(), Does.StartWith("# HELP c_total one\\ntwo \\\\ \"three\"\n# TYPE"));
        Assert.That(
            Page(ExpositionFormat.OpenMetrics), Does.StartWith("# HELP c one\\ntwo \\\\ \\\"three\\\"\n# TYPE"));
    }

    [TestCase(double.NaN, "NaN")]
    [TestCase(double.PositiveInfinity, "+Inf")]
    [TestCase(double.NegativeInfinity, "-Inf")]
    [TestCase(0.1, "0.1")]
    [TestCase(-2.5e-300, "-2.5E-300")]
    [TestCase(12345678901234567890.0, "1.2345678901234567E+19")]
    public void Gauge_OfAnyNumber_IsWrittenAsPrometheusReadsIt(double value, string text)
    {
        _meter.CreateObservableGauge("g", () => value);

        Assert.That(Samples(), Is.EqualTo(new[] { "g " + text }));
    }

    [Test]
    public void UpDownCounter_IsAGauge()
    {
        _meter.CreateUpDownCounter<int>("running").Add(-3);

        Assert.That(Page(), Does.Contain("# TYPE running gauge\nrunning -3\n"));
    }

    [Test]
    public void Histogram_HasCumulativeBuckets_SumAndCount()
    {
        var histogram = Histogram();
        foreach (var seconds in (double[])[0.5, 0.75, 1, 7, 1000]) histogram.Record(seconds, Kind);

        Assert.That(Samples(), Is.EqualTo(new[]
        {
            """wait_seconds_bucket{kind="x",le="0.5"} 1""",
            """wait_seconds_bucket{kind="x",le="1"} 3""",
            """wait_seconds_bucket{kind="x",le="10"} 4""",
            """wait_seconds_bucket{kind="x",le="+Inf"} 5""",
            """wait_seconds_sum{kind="x"} 1009.25""",
            """wait_seconds_count{kind="x"} 5""",
        }));
        Assert.That(Page(ExpositionFormat.OpenMetrics), Does.Contain("le=\"1.0\"").And.Contain("le=\"10.0\""));
    }

    [Test]
    public void Measurement_InARecordedTrace_IsAnExemplarOfItsBucket_InOpenMetricsOnly()
    {
        using var activity = new Activity("work").SetIdFormat(ActivityIdFormat.W3C);
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        activity.Start();
        var histogram = Histogram();

        histogram.Record(0.75, Kind);
        activity.Stop();
        histogram.Record(0.5, Kind);

        var exemplar = $" # {{trace_id=\"{activity.TraceId}\",span_id=\"{activity.SpanId}\"}} 0.75 ";
        Assert.That(
            Page(ExpositionFormat.OpenMetrics).Split('\n')
                .Where(line => line.Contains(" # {", StringComparison.Ordinal)),
            Has.One.StartsWith("wait_seconds_bucket{kind=\"x\",le=\"1.0\"} 2" + exemplar));
        Assert.That(Page(), Does.Not.Contain(" # {"));
    }

    [Test]
    public void Exemplars_OfWholeNumbers_AreThoseNumbers()
    {
        using var activity = new Activity("work").SetIdFormat(ActivityIdFormat.W3C);
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        activity.Start();

        _meter.CreateCounter<long>("whole").Add(3);
        _meter.CreateCounter<double>("part").Add(0.5);
        _meter.CreateHistogram<long>("size").Record(7);

        var page = Page(ExpositionFormat.OpenMetrics);
        var ids = $"{{trace_id=\"{activity.TraceId}\",span_id=\"{activity.SpanId}\"}}";
        Assert.That(page, Does.Contain($"whole_total 3 # {ids} 3 ").And.Contain($"part_total 0.5 # {ids} 0.5 "));
        Assert.That(page, Does.Contain($"size_bucket{{le=\"10.0\"}} 1 # {ids} 7 "));
    }

    [Test]
    public void Scrapes_AtOnce_AreEachComplete()
    {
        var counter = _meter.CreateCounter<long>("c");
        for (var label = 0; label < 200; label++) counter.Add(1, new KeyValuePair<string, object?>("l", label));

        var pages = new string[16];
        Parallel.For(0, pages.Length, index => pages[index] = Page(ExpositionFormat.OpenMetrics));

        Assert.That(pages.Distinct().Count(), Is.EqualTo(1));
        Assert.That(pages[0].Split('\n'), Has.Length.EqualTo(2 + 200 + 2)); // HELP, TYPE; samples; EOF and its line end
    }

    private static KeyValuePair<string, object?> Kind => new("kind", "x");

    private Histogram<double> Histogram() => _meter.CreateHistogram(
        "wait", "s", null, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 10] });

    private string Page(ExpositionFormat format = ExpositionFormat.Text) =>
        Encoding.UTF8.GetString(_exporter.Scrape(format).Span);

    private IEnumerable<string> Samples() =>
        Page().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#');
}
