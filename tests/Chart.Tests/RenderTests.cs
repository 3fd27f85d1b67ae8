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

    [TestCase("512Mi", 536_870_912, 1)]
    [TestCase("2Gi", 2_147_483_648, 4)]
    [TestCase("16G", 16_000_000_000, 29)]
    public async Task Memory_OfDaemonAndPrograms_FitsTheLimit(string limit, long bytes, long imports)
    {
        const long program = 256L << 20; // what a conversion counts for
        var manifests = await Renderer.WithValuesAsync($"resources: {{limits: {{memory: {limit}}}}}");
        var import = JsonNode.Parse(manifests.Config)!["Import"]!;
        Assert.That(import["MaxConcurrent"].Number(), Is.EqualTo(imports));
        Assert.That(import["MaxConcurrent"].Number() * program, Is.LessThanOrEqualTo(import["MaxMemoryBytes"].Number()));
        // Of the address space most are stacks, which take no memory.
        Assert.That(import["Conversion"], Is.Null);
        var heap = (await manifests.ContainerAsync())["env"]!.AsArray()
            .Single(variable => variable!["name"].Text() == "DOTNET_GCHeapHardLimitPercent")!["value"].Text();
        Assert.That(import["MaxMemoryBytes"].Number() + (bytes * Convert.ToInt32(heap, 16) / 100), Is.LessThan(bytes * 95 / 100));
    }

    [TestCase("resources: {limits: {memory: null}}", 0, 0)]
    [TestCase("config: {Import: {MaxConcurrent: 7}}", 7, 1 << 30)]
    public async Task Memory_ThatIsSaidOrNotLimited_IsLeftToTheDaemon(string values, long imports, long bytes)
    {
        var import = JsonNode.Parse((await Renderer.WithValuesAsync(values)).Config)!["Import"];
        Assert.That(import?["MaxConcurrent"]?.Number() ?? 0, Is.EqualTo(imports));
        Assert.That(import?["MaxMemoryBytes"]?.Number() ?? 0, Is.EqualTo(bytes));
    }

    [Test]
    public async Task Pods_OfTheChartsOwn_RunWhereTheyMay_AsWhomTheClusterSays()
    {
        var manifests = await Renderer.WithValuesAsync("""
            identity: {user: null, group: null}
            imagePullSecrets: [{name: registry}]
            standalone:
              nodeSelector: {disk: fast}
              tolerations: [{key: storage, operator: Exists}]
              affinity: {podAntiAffinity: {}}
              priorityClassName: high
              topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
            """);
        var pod = await manifests.PodSpecAsync();
        var fields = (string[])["imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName", "topologySpreadConstraints"];
        Assert.That(fields.Select(field => pod[field]?.ToJsonString()), Is.EqualTo(new[]
        {
            """[{"name":"registry"}]""", """{"disk":"fast"}""", """[{"key":"storage","operator":"Exists"}]""", """{"podAntiAffinity":{}}""",
            "\"high\"", """[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}]""",
        }));
        Assert.That((await Shape.LoadAsync()).Faults(manifests.Get("StatefulSet")), Is.Empty);
        Assert.That(pod["securityContext"]!.AsObject().Select(field => field.Key), Is.EquivalentTo(["runAsNonRoot", "seccompProfile"]));
        Assert.That((await manifests.ContainerAsync())["securityContext"]!["runAsUser"], Is.Null);
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

    [TestCase("v1alpha1")]
    [TestCase("v1beta1")]
    [TestCase("v1")]
    public async Task AdmissionPolicy_IsOfTheNewestVersionThatTheClusterServes(string newest)
    {
        string[] versions = ["v1alpha1", "v1beta1", "v1"];
        var served = versions[..(Array.IndexOf(versions, newest) + 1)].SelectMany(version =>
            new[] { "--api-versions", $"admissionregistration.k8s.io/{version}/MutatingAdmissionPolicy" });
        var policy = (await Renderer.ManifestsAsync("operator", [.. served])).Get("MutatingAdmissionPolicy");
        Assert.That(policy["apiVersion"].Text(), Is.EqualTo($"admissionregistration.k8s.io/{newest}"));
    }

    [TestCase("v1alpha1")]
    [TestCase("v1")]
    public async Task KyvernosPolicy_IsOfTheVersionThatTheClusterServes_AndSaysTheSame(string served)
    {
        var kyvernos = (await Renderer.ManifestsAsync("kyverno", "--api-versions", $"policies.kyverno.io/{served}/MutatingPolicy")).Policy;
        Assert.That(kyvernos["apiVersion"].Text(), Is.EqualTo($"policies.kyverno.io/{served}"));
        var values = await File.ReadAllTextAsync(Repository.Values("kyverno"));
        var clusters = (await Renderer.WithValuesAsync(values.Replace("kyverno", "policy", StringComparison.Ordinal))).Policy;
        foreach (var (field, value) in clusters["spec"]!.AsObject()) Assert.That(Json.Same(kyvernos["spec"]![field], value), Is.True, field);
        // Otherwise it would write into the StatefulSet as well.
        Assert.That(kyvernos["spec"]!["autogen"]!["podControllers"]!["controllers"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task Webhook_IsAskedAboutThePodsThatThePolicyTakes()
    {
        var values = await File.ReadAllTextAsync(Repository.Values("webhook"));
        var policy = (await Renderer.WithValuesAsync(values.Replace("method: webhook", "method: policy", StringComparison.Ordinal))).Policy["spec"]!;
        var webhook = (await Renderer.ManifestsAsync("webhook")).Get("MutatingWebhookConfiguration")["webhooks"]![0]!;
        Assert.That(Json.Same(webhook["matchConditions"], policy["matchConditions"]), Is.True);
        foreach (var selector in (string[])["namespaceSelector", "objectSelector"])
            Assert.That(Json.Same(webhook[selector], policy["matchConstraints"]![selector]), Is.True, selector);
    }

    [Test]
    public async Task Webhook_WithASecret_IsTrustedByTheAuthorityThatIsGiven()
    {
        var manifests = await Renderer.WithValuesAsync("""
            mode: injection
            injection: {method: webhook, webhook: {certificates: {source: secret, secretName: its, authority: "-----BEGIN CERTIFICATE-----x"}}}
            """);
        var webhook = manifests.Get("MutatingWebhookConfiguration");
        Assert.That(webhook["webhooks"]![0]!["clientConfig"]!["caBundle"].Text(), Is.EqualTo("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0teA=="));
        Assert.That(webhook["metadata"]!["annotations"], Is.Null);
        var volumes = manifests.Get("Deployment")["spec"]!["template"]!["spec"]!["volumes"]!;
        Assert.That(volumes[1]!["secret"]!["secretName"].Text(), Is.EqualTo("its"));
    }

    private static string Identity(JsonNode manifest) =>
        $"{manifest["kind"].Text()} {manifest["metadata"]!["name"].Text()}";
}
