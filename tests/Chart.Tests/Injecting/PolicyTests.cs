using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests.Injecting;

/// <summary>
/// What can be said of the admission policy's text: its expression is a patch of the same data as the snippet's,
/// written in CEL that reads back as that data. <see cref="InjectionTests"/> evaluates it.
/// </summary>
internal sealed class PolicyTests : ChartTest
{
    [Test]
    public async Task Policy_AndSnippet_AddTheSame()
    {
        var file = Path.GetTempFileName();
        try
        {
            var values = await File.ReadAllTextAsync(Repository.Values("operator"));
            var asSnippet = values.Replace("mode: injection", "mode: snippet", StringComparison.Ordinal);
            await File.WriteAllTextAsync(file, asSnippet);
            var (_, snippet, _) = await Renderer.TryAsync(file);
            var patch = await new Manifests(await Renderer.ParseAsync(snippet)).PodSpecAsync();
            var policy = await (await Renderer.ManifestsAsync("operator")).PodSpecAsync();
            foreach (var part in (string[])["volumes", "initContainers", "terminationGracePeriodSeconds"])
                Assert.That(Json.Same(policy[part], patch[part]), Is.True, $"{policy[part]}\n{patch[part]}");
            foreach (var container in patch["containers"]!.AsArray())
                Assert.That(Json.Same(policy["mounts"], container!["volumeMounts"]), Is.True, $"{container}");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public async Task Policy_AddsWhatAPodUnderstands()
    {
        var shape = await Shape.LoadAsync();
        var pod = await (await Renderer.ManifestsAsync("operator")).PodSpecAsync();
        Assert.That(shape.Faults("sidecar", JsonValue.Create("$Container"), pod["initContainers"]![0]), Is.Empty);
        foreach (var volume in pod["volumes"]!.AsArray())
            Assert.That(shape.Faults("volume", JsonValue.Create("$Volume"), volume), Is.Empty);
    }

    [Test]
    public async Task Policy_TakesEachPodOnce_AndOnlyGlances()
    {
        var spec = (await Renderer.ManifestsAsync("operator")).Get("MutatingAdmissionPolicy")["spec"]!;
        var constraints = spec["matchConstraints"]!;
        var namespaces = constraints["namespaceSelector"]!["matchLabels"]!;
        Assert.That(namespaces["kubernetes.io/metadata.name"].Text(), Is.EqualTo(Renderer.Namespace));
        Assert.That(constraints["objectSelector"]!["matchLabels"]!["service"].Text(), Is.EqualTo("glance"));
        var conditions = spec["matchConditions"]!.AsArray().ToDictionary(
            condition => condition!["name"].Text(), condition => condition!["expression"].Text());
        var pod = CelPatch.Of((await Renderer.ManifestsAsync("operator")).Get("MutatingAdmissionPolicy"));
        var added = pod["initContainers"]![0]!["name"].Text();
        Assert.That(conditions["has-no-sidecar-yet"], Does.EndWith($".exists(c, c.name == \"{added}\")"));
        Assert.That(conditions["has-the-staging-volume"], Does.Contain("v.name == \"glance\""));
        Assert.That(conditions["pod-of-a-statefulset"], Does.Contain("o.kind == \"StatefulSet\""));
        // API servers of 1.32 refuse the first policy after their start that has variables.
        Assert.That(spec["variables"], Is.Null);
    }

    [TestCase("Object.spec{a: 1, b: [2, 3]}", """{"a":1,"b":[2,3]}""")]
    [TestCase("Object.spec{s: \"a\\\"\\u0026b\", t: Object.spec.t{}}", """{"s":"a\"\u0026b","t":{}}""")]
    public void Literal_ReadsBack(string literal, string expected) =>
        Assert.That(
            Json.Same(new CelLiteral(literal + " ", 0).Read("Object.spec"), JsonNode.Parse(expected)), Is.True);

    [TestCase("Object.spec{t: Object.spec.u{}}", "Object.spec.t is expected")]
    [TestCase("{\"cpu\": 1, \"memory\": \"1Gi\"}", "differ in type")]
    [TestCase("Object.spec{a: 1 b: 2}", "',' is expected")]
    public void Literal_ThatAClusterWouldRefuse_IsRefused(string literal, string expected)
    {
        var refusal = Assert.Throws<FormatException>(() => new CelLiteral(literal + " ", 0).Read("Object.spec"));
        Assert.That(refusal!.Message, Does.Contain(expected));
    }
}
