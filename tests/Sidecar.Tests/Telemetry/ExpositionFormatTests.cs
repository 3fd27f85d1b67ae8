using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using Sidecar.Telemetry.Prometheus;

namespace Sidecar.Tests.Telemetry;

internal sealed class ExpositionFormatTests
{
    private const string Prometheus = "application/openmetrics-text;version=1.0.0,"
        + "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

    [TestCase("", false)]
    [TestCase("*/*", false)]
    [TestCase("text/html,*/*;q=0.8", false)]
    [TestCase("text/plain", false)]
    [TestCase("application/openmetrics-text", true)]
    [TestCase(Prometheus, true)]
    [TestCase("application/openmetrics-text;q=0.3,text/plain;q=0.9", false)]
    [TestCase("application/openmetrics-text;q=0", false)]
    [TestCase("application/openmetrics-text;q=0,*/*", false)]
    [TestCase("this is no media type;;;", false)]
    public void Negotiate_TakesWhatTheClientPrefers(string accept, bool isOpenMetrics)
    {
        var request = new DefaultHttpContext().Request;
        request.Headers.Accept = accept;

        Assert.That(ExpositionFormats.Negotiate(request) == ExpositionFormat.OpenMetrics, Is.EqualTo(isOpenMetrics));
    }

    [Test]
    public void ContentType_NamesTheVersion()
    {
        Assert.That(ExpositionFormat.Text.ContentType(), Does.StartWith("text/plain; version=0.0.4"));
        Assert.That(ExpositionFormat.OpenMetrics.ContentType(),
            Does.StartWith("application/openmetrics-text; version=1.0.0"));
    }

    [TestCase("glance_staging_uploads", "{upload}", false, "glance_staging_uploads")]
    [TestCase("glance_staging_received_bytes", "By", false, "glance_staging_received_bytes")]
    [TestCase("rpc.server.call.duration", "s", false, "rpc_server_call_duration_seconds")]
    [TestCase("kestrel.active_connections", "{connection}", true, "kestrel_active_connections")]
    [TestCase("things_total", "", false, "things")]
    [TestCase("cpu.busy", "1", true, "cpu_busy_ratio")]
    [TestCase("odd--name..x", "", true, "odd_name_x")]
    [TestCase("2nd", "", true, "_2nd")]
    public void Family_FollowsTheCompatibilityRules(string name, string unit, bool isGauge, string family) =>
        Assert.That(MetricNames.Family(name, unit, isGauge), Is.EqualTo(family));
}
