using System.Text.Json.Nodes;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests.Injecting;

/// <summary>
/// Pods of each layout of glance-operator, of its main branch and of the last stable one, which starts Glance by kolla: they get the
/// sidecar with what it needs of their mounts, and keep all else as their owner made it.
/// </summary>
internal sealed class OperatorPodTests : ChartTest
{
    private const string Volume = "staging-sidecar-";

    private static readonly string[] Branches = ["18-stable", "main"];

    // By layout: what the sidecar takes over. None of Glance's own configuration, nor what kolla copies.
    private static readonly Dictionary<string, string[]> TakenOver = new()
    {
        ["single"] = [],
        ["proxied"] = ["/etc/ceph"],
        ["cinder"] = [],
        ["cinder-proxied"] = [],
        ["split"] = ["/var/lib/glance/images"],
        ["edge"] = ["/etc/ceph"],
        ["tls"] =
        [
            "/etc/ceph/ceph.conf", "/etc/ceph/ceph.client.openstack.keyring", "/var/lib/glance/images",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        ],
    };

    private static IEnumerable<string> Layouts => Branches.SelectMany(branch => TakenOver.Keys.Select(layout => $"{branch}/{layout}"));

    [Test]
    public void Layouts_AreAllThatAreRecorded() => Assert.That(
        Reviews.Names.Where(name => name.Contains('/')),
        Is.EquivalentTo(Layouts.Concat(Branches.Select(branch => branch + "/external"))));

    [TestCaseSource(nameof(Layouts))]
    public async Task Pod_GetsTheSidecar_WithTheMountsThatStoresNeed(string layout)
    {
        var injection = await InjectAsync(layout);
        Assert.That(injection.Refused, Is.Empty);
        Assert.That(injection.Obstacle, Is.Null);
        var spec = injection.Pod["spec"]!;
        Assert.That(spec["initContainers"].Names(), Is.EqualTo(["staging-sidecar"]));
        var paths = spec["initContainers"]![0]!["volumeMounts"]!.AsArray().Select(mount => mount!["mountPath"].Text()).ToList();
        Assert.That(paths.Skip(4), Is.EqualTo(TakenOver[layout.Split('/')[1]]));
        Assert.That(paths, Is.Unique);
        Assert.That(spec["initContainers"]![0]!["volumeMounts"].Names().Distinct(), Is.SubsetOf(spec["volumes"].Names()));
        Assert.That(spec["terminationGracePeriodSeconds"].Number(), Is.EqualTo(570));
    }

    [TestCaseSource(nameof(Layouts))]
    public async Task Pod_KeepsAllElseAsItsOwnerMadeIt(string layout)
    {
        var spec = (await InjectAsync(layout)).Pod["spec"]!.AsObject();
        spec.Remove("initContainers");
        spec["terminationGracePeriodSeconds"] = 30L;
        Take(spec["volumes"]!.AsArray());
        foreach (var container in spec["containers"]!.AsArray())
        {
            var isGlances = container!["name"].Text() is "glance-httpd" or "glance-api";
            Assert.That(Take(container["volumeMounts"]!.AsArray()), Is.EqualTo(isGlances ? 1 : 0));
        }

        Assert.That(Json.Same(spec, (await Reviews.PodAsync(layout))["spec"]), Is.True, spec.ToJsonString());
    }

    // MethodTests holds the two policies against each other.
    [TestCase("18-stable/tls")]
    [TestCase("main/cinder-proxied")]
    public async Task Pod_ByKyvernosPolicy_IsTheSame(string layout)
    {
        var byKyverno = await InjectAsync(layout, "kyverno");
        Assert.That(Json.Same(byKyverno.Pod, (await InjectAsync(layout)).Pod), Is.True, byKyverno.Pod.ToJsonString());
    }

    [TestCaseSource(nameof(Branches))]
    public async Task Pod_WithoutAVolumeOfItsOwn_IsLeftAlone(string branch) =>
        Assert.That((await InjectAsync(branch + "/external")).Refused, Is.EqualTo(["has-the-staging-volume"]));

    private static async Task<Injection> InjectAsync(string layout, string method = "policy")
    {
        var manifests = await Renderer.WithValuesAsync($"mode: injection\ninjection: {{method: {method}}}");
        return await Injection.OfAsync(manifests.Policy, await Reviews.PodAsync(layout));
    }

    // How many of the sidecar's there were.
    private static int Take(JsonArray list)
    {
        var added = list.Where(item => item!["name"].Text().StartsWith(Volume, StringComparison.Ordinal)).ToList();
        foreach (var item in added) list.Remove(item);
        return added.Count;
    }
}
