using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>Each value set renders to what is in golden/, and to what a cluster understands.</summary>
internal sealed class RenderTests : ChartTest
{
    // Rendered from files that change without the chart; MonitoringTests looks at these.
    private static readonly string[] FromFiles = ["templates/dashboard.yaml", "templates/prometheusrule.yaml"];

    private static string[] Sets => Repository.ValueSets;

    [TestCaseSource(nameof(Sets))]
    public async Task Manifests_AreAsRecorded(string set)
    {
        var rendered = string.Concat((await Renderer.RenderAsync(set)).Split("---\n# Source:").Skip(1)
            .Where(part => !FromFiles.Any(file => part.Split('\n')[0].EndsWith(file, StringComparison.Ordinal)))
            .Select(part => "---\n# Source:" + part));
        var golden = Path.Combine(Repository.Tests, "golden", set + ".yaml");
        if (Repository.Rewrites) await File.WriteAllTextAsync(golden, rendered);
        var recorded = await File.ReadAllTextAsync(golden);
        Assert.That(rendered, Is.EqualTo(recorded), $"{Repository.RewriteVariable}=1 records it again");
    }

    [TestCaseSource(nameof(Sets))]
    public async Task Manifests_HaveKnownFieldsOfTheRightTypes(string set)
    {
        var shape = await Shape.LoadAsync();
        var manifests = await Renderer.ManifestsAsync(set);
        Assert.That(manifests.All.SelectMany(shape.Faults), Is.Empty);
        Assert.That(manifests.All.Select(Identity), Is.Unique);
    }

    [TestCaseSource(nameof(Sets))]
    public async Task Sidecar_HasEveryVolumeThatItMounts(string set)
    {
        var manifests = await Renderer.ManifestsAsync(set);
        var pod = await manifests.PodSpecAsync();
        var container = await manifests.ContainerAsync();
        var mounted = container["volumeMounts"]!.AsArray().Select(mount => mount!["name"].Text());
        var staging = pod["initContainers"] is null ? "staging" : "glance";
        var volumes = pod["volumes"]!.AsArray().Select(volume => volume!["name"].Text());
        Assert.That(mounted, Is.EquivalentTo(volumes.Append(staging)));
    }

    [TestCaseSource(nameof(Sets))]
    public async Task Sidecar_IsConfined(string set)
    {
        var security = (await (await Renderer.ManifestsAsync(set)).ContainerAsync())["securityContext"]!;
        var user = set == "alone" ? 1000650000 : 42415;
        var expected = JsonNode.Parse(
            $$"""
            {
              "runAsUser": {{user}}, "runAsGroup": {{user}}, "runAsNonRoot": true, "readOnlyRootFilesystem": true,
              "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
              "seccompProfile": {"type": "RuntimeDefault"}
            }
            """);
        Assert.That(Json.Same(security, expected), Is.True, security.ToJsonString());
    }

    [TestCase("standalone")]
    [TestCase("operator")]
    [TestCase("snippet")]
    public async Task GracePeriod_LastsForTheDrainAndForStopping(string set)
    {
        var manifests = await Renderer.ManifestsAsync(set);
        var pod = await manifests.PodSpecAsync();
        var drain = (await manifests.ContainerAsync())["lifecycle"]!["preStop"]!["exec"]!["command"]!.AsArray();
        Assert.That(drain.Select(word => word.Text()),
            Is.EqualTo(["/usr/local/bin/stagectl", "drain", "--grace", "120s"]));
        // The grace of the drain, the time to hand over, and more than Hosting:DrainTimeout to stop.
        Assert.That(pod["terminationGracePeriodSeconds"].Number(), Is.EqualTo(120 + 420 + 30));
    }

    [Test]
    public async Task DisruptionBudget_LetsPodsGoThatAreNotReady_WhenAsked()
    {
        var manifests = await Renderer.WithValuesAsync("podDisruptionBudget: {unhealthyPodEvictionPolicy: AlwaysAllow}");
        Assert.That(
            manifests.Get("PodDisruptionBudget")["spec"]!["unhealthyPodEvictionPolicy"].Text(), Is.EqualTo("AlwaysAllow"));
    }

    [Test]
    public async Task NetworkPolicy_LetsPeersAndPrometheusIn_AndLeavesGlancesPortOpen()
    {
        var policy = (await Renderer.ManifestsAsync("operator")).Get("NetworkPolicy");
        var rules = policy["spec"]!["ingress"]!.AsArray().Select(rule => (
            rule!["from"]?[0]?["podSelector"]?["matchLabels"]?.AsObject().Last().Value?.Text() ?? "anybody",
            rule["ports"]!.AsArray().Single()!["port"].Number()));
        Assert.That(rules, Is.EqualTo(new[] { ("glance", 9394L), ("prometheus", 9395L), ("anybody", 9292L) }));
    }

    [Test]
    public async Task Service_NamesPodsThatAreNotReady()
    {
        var service = (await Renderer.ManifestsAsync("operator")).Get("Service")["spec"]!;
        Assert.That(service["publishNotReadyAddresses"]!.GetValue<bool>(), Is.True);
        Assert.That(service["selector"]!["glanceAPI"].Text(), Is.EqualTo("glance-default-single"));
    }

    private static string Identity(JsonNode manifest) =>
        $"{manifest["kind"].Text()} {manifest["metadata"]!["name"].Text()}";
}
