using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>What Prometheus and Grafana are given is what is in files/, and fits what is scraped.</summary>
internal sealed class MonitoringTests : ChartTest
{
    [Test]
    public async Task Rule_HasTheAlerts_AndPromtoolAgrees()
    {
        var rule = (await Renderer.ManifestsAsync("operator")).Get("PrometheusRule");
        var alerts = await Renderer.ParseAsync(await File.ReadAllTextAsync(FileOf("alerts.yaml")));
        Assert.That(Json.Same(rule["spec"], alerts[0]), Is.True);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, rule["spec"]!.ToJsonString()); // JSON is YAML too
            var said = await Command.OutputOfAsync("promtool", ["check", "rules", file]);
            Assert.That(said, Does.Contain($"{alerts[0]["groups"]![0]!["rules"]!.AsArray().Count} rules found"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public async Task Dashboard_IsWhereGrafanaLooksForIt()
    {
        var map = (await Renderer.ManifestsAsync("operator")).Get("ConfigMap", "glance-staging-dashboard");
        Assert.That(map["metadata"]!["labels"]!["grafana_dashboard"].Text(), Is.EqualTo("1"));
        var rendered = JsonNode.Parse(map["data"]!.AsObject().Single().Value.Text());
        var dashboard = JsonNode.Parse(await File.ReadAllTextAsync(FileOf("dashboard.json")));
        Assert.That(Json.Same(rendered, dashboard), Is.True);
    }

    [Test]
    public async Task PodMonitor_ScrapesAPortOfTheSidecar_UnderTheJobThatTheAlertsExpect()
    {
        var manifests = await Renderer.ManifestsAsync("operator");
        var endpoint = manifests.Get("PodMonitor")["spec"]!["podMetricsEndpoints"]![0]!;
        var ports = (await manifests.ContainerAsync())["ports"]!.AsArray().ToDictionary(
            port => port!["name"].Text(), port => port!["containerPort"].Number());
        Assert.That(ports, Contains.Item(new KeyValuePair<string, long>(endpoint["port"].Text(), 9395)));
        var relabelled = endpoint["relabelings"]!.AsArray().Single(rule => rule!["targetLabel"].Text() == "job");
        Assert.That(relabelled!["replacement"].Text(), Does.Contain("staging"));
        Assert.That(await File.ReadAllTextAsync(FileOf("alerts.yaml")), Does.Contain("job=~\".*staging.*\""));
    }

    [Test]
    public async Task PodMonitor_OfTheWebhook_FindsItsPods_AndAPortOfThem()
    {
        var manifests = await Renderer.ManifestsAsync("webhook");
        var monitor = manifests.Get("PodMonitor", "glance-staging-webhook")["spec"]!;
        var pod = manifests.Get("Deployment", "glance-staging-webhook")["spec"]!["template"]!;
        var labels = pod["metadata"]!["labels"]!.AsObject();
        var wanted = monitor["selector"]!["matchLabels"]!.AsObject();
        var others = manifests.Get("PodMonitor", "glance-staging")["spec"]!["selector"]!["matchLabels"]!.AsObject();
        Assert.That(wanted.All(label => Json.Same(labels[label.Key], label.Value)), Is.True);
        Assert.That(others.All(label => Json.Same(labels[label.Key], label.Value)), Is.False, "the sidecars' monitor leaves it alone");
        Assert.That(
            pod["spec"]!["containers"]![0]!["ports"]!.AsArray().Select(port => port!["name"].Text()),
            Does.Contain(monitor["podMetricsEndpoints"]![0]!["port"].Text()));
    }

    private static string FileOf(string name) => Path.Combine(Repository.Chart, "files", name);
}
