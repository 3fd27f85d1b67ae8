using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>
/// Values with which helm would report success and the cluster refuse Glance's next pod, or take one that cannot work, are
/// refused before; what only looks odd is not.
/// </summary>
internal sealed class PlausibilityTests : ChartTest
{
    [TestCase("identity: {user: 4294967294}", "identity.user: Must be less than or equal to 2.147483647e+09")]
    [TestCase("resources: {limits: {memory: abc}}", "resources.limits.memory: Does not match pattern")]
    [TestCase("resources: {limits: {memory: 2 GB}}", "resources.limits.memory: Does not match pattern")]
    [TestCase("resources: {limits: {cpu: -1}}", "resources.limits.cpu: Must be greater than or equal to 0")]
    [TestCase("resources: {limits: {memry: 1Gi}}", "resources.limits: Property name of \"memry\" does not match")]
    [TestCase("resources: {requests: {memory: 4Gi}}", "resources.requests.memory is 4Gi; allowed: at most resources.limits.memory, 2Gi")]
    [TestCase("resources: {requests: {cpu: 1100m}, limits: {cpu: 1}}", "resources.requests.cpu is 1100m; allowed: at most")]
    [TestCase("resources: {requests: {memory: 100Mi}, limits: {memory: 511Mi}}", "resources.limits.memory is 511Mi; allowed: 512Mi or more")]
    [TestCase("socketDirectory: /", "socketDirectory: Does not match pattern")]
    [TestCase("socketDirectory: /run/a:b", "socketDirectory: Does not match pattern")]
    [TestCase("socketDirectory: /run/a/", "socketDirectory: Does not match pattern")]
    [TestCase("socketDirectory: /var/lib/glance", "socketDirectory is /var/lib/glance; allowed: a directory of its own")]
    [TestCase("socketDirectory: /etc/glance-staging-sidecar/tls", "socketDirectory is /etc/glance-staging-sidecar/tls; allowed")]
    [TestCase("socketDirectory: /var/lib/glance/os_glance_staging_store/x", "allowed: a directory that is not below stagingDirectory")]
    [TestCase("image: {repository: \" a\"}", "image.repository: Does not match pattern")]
    [TestCase("image: {repository: a b}", "image.repository: Does not match pattern")]
    [TestCase("image: {tag: bad/tag}", "image.tag: Does not match pattern")]
    [TestCase("ports: {peer: 9395}", "ports.ops is 9395, which ports.peer has too")]
    [TestCase("mode: injection\nports: {health: 9292}", "ports.health is 9292, which glance.ports has too")]
    [TestCase("env: {STAGECTL_SERVER: a}", "env has STAGECTL_SERVER, which the chart sets itself")]
    [TestCase("env: {SIDECAR_Staging__PodName: a}", "env has SIDECAR_Staging__PodName, which the chart sets itself")]
    [TestCase("env: {SIDECAR_HOSTING__SocketPath: a}", "env has SIDECAR_HOSTING__SocketPath, which the chart sets itself")]
    [TestCase("glance: {volume: {name: staging-sidecar-run}}", "glance.volume.name is staging-sidecar-run")]
    [TestCase("glance: {containers: [staging-sidecar]}", "glance.containers has staging-sidecar")]
    [TestCase("glance: {copyMounts: [/var/lib/glance]}", "glance.copyMounts or caBundle has /var/lib/glance, where the sidecar has")]
    [TestCase("glance: {podLabels: {a: b c}}", "glance.podLabels.a: Does not match pattern")]
    [TestCase("podMonitor: {labels: {a b: c}}", "podMonitor.labels: Property name of \"a b\" does not match")]
    [TestCase("podDisruptionBudget: {maxUnavailable: 150%}", "podDisruptionBudget.maxUnavailable: Does not match pattern")]
    [TestCase("podDisruptionBudget: {unhealthyPodEvictionPolicy: Always}", "unhealthyPodEvictionPolicy", "AlwaysAllow")]
    [TestCase("nameOverride: Foo", "nameOverride: Does not match pattern")]
    [TestCase("nameOverride: my.name", "nameOverride: Does not match pattern")]
    [TestCase("standalone: {storage: {storageClassName: A b}}", "standalone.storage.storageClassName: Does not match pattern")]
    [TestCase("networkPolicy: {prometheus: null}", "networkPolicy: prometheus is required")]
    [TestCase("networkPolicy: {prometheus: {namespaceSelector: null, podSelector: null}}", "networkPolicy.prometheus: Must have at least 1 properties")]
    [TestCase("ingest: {enabled: true, port: 9292}", "ingest.secretName is empty; allowed: the name of a Secret")]
    [TestCase("ingest: {enabled: true, port: 9394, secretName: a}", "ingest.port is 9394, which ports.peer has too")]
    [TestCase("ingest: {enabled: true, upstream: \"https://a\"}", "ingest.upstream: Does not match pattern")]
    [TestCase("mode: injection\ningest: {enabled: true, upstream: /run/glance.sock}", "ingest.upstream is /run/glance.sock; allowed: http://127.0.0.1 with")]
    [TestCase("mode: injection\ningest: {enabled: true, upstream: \"http://127.0.0.1:9292\"}", "whose port glance.ports has too")]
    [TestCase("mode: snippet\ningest: {enabled: true, port: 80, secretName: a, upstream: \"http://127.0.0.1:80\"}", "whose port ingest.port has too")]
    [TestCase("certificates: {secretName: a b}", "certificates.secretName: Does not match pattern")]
    [TestCase("certificates: {duration: 59m}", "certificates.duration is 59m; allowed: 1h or more")]
    [TestCase("certificates: {duration: 1h30m, renewBefore: 90m}", "certificates.renewBefore is 90m; allowed: 5m or more, and less")]
    public async Task Values_ThatWouldBreakThePods_AreRefused(string values, params string[] expected)
    {
        var (exit, _, error) = await Renderer.TryValuesAsync(values);
        Assert.That(exit, Is.Not.Zero);
        foreach (var part in expected) Assert.That(error, Does.Contain(part));
    }

    [TestCase("resources: {requests: {memory: 2Gi, cpu: 0.5}, limits: {memory: 2147483648, cpu: 500m}}")]
    [TestCase("resources: {requests: {cpu: 1}, limits: {memory: 1e9, nvidia.com/gpu: 1}}")]
    [TestCase("resources: null")]
    [TestCase("image: {repository: registry.example.org:5000/a/b-c_d, tag: v1.2-x_y}")]
    [TestCase("ports: {health: 9292}")]
    [TestCase("ingest: {enabled: true, upstream: \"http://glance.example.org:9292\"}")]
    [TestCase("mode: snippet\ningest: {enabled: true, port: 9292, secretName: a, upstream: /run/glance/api.sock}")]
    [TestCase("podDisruptionBudget: {maxUnavailable: 100%}")]
    [TestCase("certificates: {duration: 1h, renewBefore: 59m59s}")]
    public async Task Values_ThatAreRight_AreTaken(string values)
    {
        var shape = await Shape.LoadAsync();
        Assert.That((await Renderer.WithValuesAsync(values)).All.SelectMany(shape.Faults), Is.Empty);
    }

    /// <summary>Names that YAML reads as numbers, booleans or nothing.</summary>
    [TestCase("123")]
    [TestCase("1e3")]
    [TestCase("on")]
    [TestCase("no")]
    [TestCase("y")]
    [TestCase("null")]
    [TestCase("my.release")]
    public async Task Release_MayBeCalledAnything(string name)
    {
        var shape = await Shape.LoadAsync();
        var overridden = $"fullnameOverride: \"{name.Replace('.', '-')}\"";
        foreach (var (mode, values) in ((string, string)[])
            [("standalone", ""), ("injection", ""), ("snippet", ""), ("standalone", overridden), ("injection", overridden)])
        {
            var manifests = await Renderer.OfReleaseAsync(name, "2024", $"mode: {mode}\npodMonitor: {{enabled: true}}\n{values}");
            Assert.That(manifests.All.SelectMany(shape.Faults), Is.Empty, mode);
            Assert.That(
                manifests.All.Select(manifest => manifest["metadata"]!["labels"]!["app.kubernetes.io/instance"].Text()), Is.All.EqualTo(name));
            if (values.Length > 0) continue;
            // A Service's name may have no dot, and begins with a letter.
            Assert.That(manifests.Get("Service")["metadata"]!["name"].Text(), Does.Match("^[a-z][a-z0-9-]*$"));
        }
    }

    [Test]
    public async Task ClusterWideNames_OfTwoReleases_Differ()
    {
        var one = await Renderer.OfReleaseAsync("x", "a", "mode: injection\nfullnameOverride: b-glance-staging");
        var other = await Renderer.OfReleaseAsync("x", "a-b", "mode: injection\nfullnameOverride: glance-staging");
        Assert.That(
            one.Get("MutatingAdmissionPolicy")["metadata"]!["name"].Text(),
            Is.Not.EqualTo(other.Get("MutatingAdmissionPolicy")["metadata"]!["name"].Text()));
    }
}
