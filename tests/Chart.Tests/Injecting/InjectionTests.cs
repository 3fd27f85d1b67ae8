using System.Text.Json.Nodes;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests.Injecting;

/// <summary>The admission policy does to pods what it should, and to no others.</summary>
internal sealed class InjectionTests : ChartTest
{
    private static readonly string[] Mounted = ["/var/lib/glance", "/var/lib/glance-staging-sidecar"];

    // As glance-operator's StatefulSet makes it, reduced to what matters.
    private const string Pod = """
        {
          "metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "glance-default-single"}]},
          "spec": {
            "terminationGracePeriodSeconds": 30,
            "volumes": [{"name": "glance"}, {"name": "config-data"}],
            "containers": [
              {"name": "glance-log", "volumeMounts": [{"name": "logs", "mountPath": "/var/log/glance"}]},
              {"name": "glance-httpd", "volumeMounts": [{"name": "glance", "mountPath": "/var/lib/glance"}]}
            ]
          }
        }
        """;

    [Test]
    public async Task Pod_OfGlance_GetsTheSidecar()
    {
        var injection = await InjectAsync(_ => { });
        Assert.That(injection.Refused, Is.Empty);
        var spec = injection.Pod["spec"]!;
        var sidecar = spec["initContainers"]!.AsArray().Single()!;
        Assert.That(sidecar["name"].Text(), Is.EqualTo("staging-sidecar"));
        Assert.That(sidecar["restartPolicy"].Text(), Is.EqualTo("Always"));
        Assert.That(spec["volumes"].Names(), Is.EqualTo(
            ["glance", "config-data", "staging-sidecar-run", "staging-sidecar-config", "staging-sidecar-tls"]));
        Assert.That(sidecar["volumeMounts"].Names(), Is.SubsetOf(spec["volumes"].Names()));
        Assert.That(Paths(spec["containers"]![0]!), Is.EqualTo(["/var/log/glance"]));
        Assert.That(Paths(spec["containers"]![1]!), Is.EqualTo(Mounted));
        Assert.That(spec["terminationGracePeriodSeconds"].Number(), Is.EqualTo(570));
    }

    [Test]
    public async Task Pod_ThatHasTheSidecar_IsLeftAlone()
    {
        var once = await InjectAsync(_ => { });
        var twice = await Injection.OfAsync(await PolicyAsync(), once.Pod);
        Assert.That(twice.Refused, Is.EqualTo(["has-no-sidecar-yet"]));
    }

    [Test]
    public async Task Pod_WithInitContainersOfItsOwn_KeepsThem()
    {
        var injection = await InjectAsync(
            pod => pod["spec"]!["initContainers"] = JsonNode.Parse("""[{"name": "init"}]"""));
        Assert.That(injection.Pod["spec"]!["initContainers"].Names(), Is.EqualTo(["init", "staging-sidecar"]));
    }

    [Test]
    public async Task Pod_WithALongerGracePeriod_KeepsIt()
    {
        var injection = await InjectAsync(pod => pod["spec"]!["terminationGracePeriodSeconds"] = 3600L);
        Assert.That(injection.Pod["spec"]!["terminationGracePeriodSeconds"].Number(), Is.EqualTo(3600));
    }

    [Test]
    public async Task Container_ThatMountsNothing_GetsTheSocket()
    {
        var injection = await InjectAsync(
            pod => pod["spec"]!["containers"]!.AsArray().Add(JsonNode.Parse("""{"name": "glance-api"}""")));
        Assert.That(Paths(injection.Pod["spec"]!["containers"]![1]!), Is.EqualTo(Mounted));
        Assert.That(Paths(injection.Pod["spec"]!["containers"]![2]!), Is.EqualTo(Mounted[1..]));
    }

    [TestCase("/var/lib/glance-staging-sidecar", "Something else is mounted at /var/lib/glance-staging-sidecar")]
    [TestCase("/var/lib/glance-staging-sidecar/", "Something else is mounted at /var/lib/glance-staging-sidecar")]
    [TestCase("/var/lib/glance/os_glance_staging_store", "Another volume than glance is mounted at or above")]
    [TestCase("/var/lib/glance/os_glance_staging_store/", "Another volume than glance is mounted at or above")]
    [TestCase("/var/lib/glance/", "Another volume than glance is mounted at or above")]
    public async Task Pod_WithAnotherMountInTheWay_GetsNothingButTheReason(string path, string reason)
    {
        var injection = await InjectAsync(
            pod => Mount(pod, 1, $$"""[{"name": "shared", "mountPath": "{{path}}"}]"""));
        Assert.That(injection.Obstacle, Does.StartWith(reason));
        Assert.That(injection.Pod["spec"]!["initContainers"], Is.Null);
        Assert.That(injection.Pod["spec"]!["volumes"].Names(), Is.EqualTo(["glance", "config-data"]));
    }

    [Test]
    public async Task Pod_WithAVolumeCalledAsTheSidecars_GetsNothingButTheReason()
    {
        var injection = await InjectAsync(pod =>
        {
            pod["metadata"]!["annotations"] = new JsonObject { ["note"] = "kept" };
            pod["spec"]!["volumes"]!.AsArray().Add(JsonNode.Parse("""{"name": "staging-sidecar-run"}"""));
        });
        Assert.That(injection.Obstacle, Does.Contain("staging-sidecar-run, staging-sidecar-config, staging-sidecar-tls"));
        Assert.That(injection.Pod["metadata"]!["annotations"]!["note"].Text(), Is.EqualTo("kept"));
        Assert.That(injection.Pod["spec"]!["initContainers"], Is.Null);
    }

    [TestCase("/var/lib/glance/image-cache")]
    [TestCase("/var/lib/glance/os_glance_tasks_store")]
    public async Task Pod_WithAnotherMountBesideTheStagingDirectory_GetsTheSidecar(string path)
    {
        var injection = await InjectAsync(pod => Mount(pod, 1, $$"""[{"name": "cache", "mountPath": "{{path}}"}]"""));
        Assert.That(injection.Obstacle, Is.Null);
        Assert.That(injection.Pod["spec"]!["initContainers"].Names(), Is.EqualTo(["staging-sidecar"]));
    }

    [Test]
    public async Task Pod_WithAContainerCalledAsTheSidecar_IsLeftAlone()
    {
        var injection = await InjectAsync(
            pod => pod["spec"]!["containers"]!.AsArray().Add(JsonNode.Parse("""{"name": "staging-sidecar"}""")));
        Assert.That(injection.Refused, Is.EqualTo(["has-no-sidecar-yet"]));
    }

    [Test]
    public async Task Sidecar_TakesOverTheMountsThatItNeedsForStores()
    {
        var injection = await InjectAsync(pod => Mount(pod, 1, """
            [
              {"name": "ceph", "mountPath": "/etc/ceph/ceph.conf", "subPath": "ceph.conf", "readOnly": true},
              {"name": "ceph", "mountPath": "/etc/ceph/", "readOnly": true},
              {"name": "shared", "mountPath": "/var/lib/glance/images"},
              {"name": "bundle", "mountPath": "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "subPath": "tls-ca-bundle.pem"},
              {"name": "other", "mountPath": "/etc/cephfs"},
              {"name": "paste", "mountPath": "/etc/glance-sidecar"},
              {"name": "logs", "mountPath": "/etc/ceph/log", "subPathExpr": "$(POD)"}
            ]
            """));
        var sidecar = injection.Pod["spec"]!["initContainers"]![0]!;
        var taken = sidecar["volumeMounts"]!.AsArray().Skip(4).Select(mount => (
            mount!["name"].Text(), mount["mountPath"].Text(), mount["subPath"].Text(), mount["readOnly"]!.GetValue<bool>()));
        Assert.That(taken, Is.EqualTo(new[]
        {
            ("ceph", "/etc/ceph/ceph.conf", "ceph.conf", true),
            ("ceph", "/etc/ceph/", "", true),
            ("shared", "/var/lib/glance/images", "", false),
            ("bundle", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "tls-ca-bundle.pem", false),
        }));
        var variables = sidecar["env"]!.AsArray().ToDictionary(variable => variable!["name"].Text(), variable => variable!["value"]);
        Assert.That(variables["SSL_CERT_FILE"].Text(), Is.EqualTo("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"));
    }

    [Test]
    public async Task Sidecar_TakesOverTheMountsOfOneContainer_TheOneThatStores()
    {
        var injection = await InjectAsync(pod =>
        {
            // As where httpd only passes requests on: both have the same mounts, and a path may be there once.
            Mount(pod, 1, """[{"name": "ceph", "mountPath": "/etc/ceph"}]""");
            pod["spec"]!["containers"]!.AsArray().Add(JsonNode.Parse(
                """{"name": "glance-api", "volumeMounts": [{"name": "ceph-of-api", "mountPath": "/etc/ceph"}]}"""));
        });
        var mounts = injection.Pod["spec"]!["initContainers"]![0]!["volumeMounts"]!.AsArray();
        Assert.That(mounts.Skip(4).Select(mount => mount!["name"].Text()), Is.EqualTo(["ceph-of-api"]));
    }

    [Test]
    public async Task Sidecar_AmongOtherInitContainers_IsTheOneThatTakesTheMountsOver()
    {
        var injection = await InjectAsync(pod =>
        {
            pod["spec"]!["initContainers"] = JsonNode.Parse("""[{"name": "init", "volumeMounts": []}]""");
            Mount(pod, 1, """[{"name": "ceph", "mountPath": "/etc/ceph"}]""");
        });
        Assert.That(Paths(injection.Pod["spec"]!["initContainers"]![0]!), Is.Empty);
        Assert.That(Paths(injection.Pod["spec"]!["initContainers"]![1]!).Last(), Is.EqualTo("/etc/ceph"));
    }

    [TestCase("""{"ownerReferences": [{"kind": "Job", "name": "glance-db-sync"}]}""", "pod-of-a-statefulset")]
    [TestCase("""{"ownerReferences": [{"apiVersion": "x.io/v1", "kind": "StatefulSet", "name": "a"}]}""", "pod-of-a-statefulset")]
    [TestCase("{}", "pod-of-a-statefulset")]
    public async Task Pod_OfNoStatefulSet_IsLeftAlone(string metadata, string condition)
    {
        var injection = await InjectAsync(pod => pod["metadata"] = JsonNode.Parse(metadata));
        Assert.That(injection.Refused, Is.EqualTo([condition]));
    }

    [Test]
    public async Task Pod_WithoutTheVolume_IsLeftAlone()
    {
        var injection = await InjectAsync(pod => pod["spec"]!["volumes"] = JsonNode.Parse("""[{"name": "nfs"}]"""));
        Assert.That(injection.Refused, Is.EqualTo(["has-the-staging-volume"]));
    }

    private static async Task<Injection> InjectAsync(Action<JsonObject> change)
    {
        var pod = JsonNode.Parse(Pod)!.AsObject();
        change(pod);
        return await Injection.OfAsync(await PolicyAsync(), pod);
    }

    private static void Mount(JsonObject pod, int container, string mounts)
    {
        var all = pod["spec"]!["containers"]![container]!["volumeMounts"]!.AsArray();
        foreach (var mount in JsonNode.Parse(mounts)!.AsArray()) all.Add(mount!.DeepClone());
    }

    private static async Task<JsonNode> PolicyAsync() =>
        (await Renderer.ManifestsAsync("operator")).Get("MutatingAdmissionPolicy");

    private static IEnumerable<string> Paths(JsonNode container) =>
        container["volumeMounts"]!.AsArray().Select(mount => mount!["mountPath"].Text());
}
