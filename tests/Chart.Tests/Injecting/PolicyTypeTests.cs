using System.Text.Json.Nodes;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests.Injecting;

/// <summary>
/// The policy's expressions are of the types that an API server asks for when it compiles them: each condition a bool, the mutation a
/// list of JSONPatch, every list and map of one type. An engine of others types them; the one that evaluates them does not.
/// </summary>
internal sealed class PolicyTypeTests : ChartTest
{
    [TestCase("mode: injection")]
    [TestCase("mode: injection\ninjection: {method: kyverno}")]
    [TestCase("mode: injection\npeers: {enabled: false}\ndrain: {enabled: false}\nidentity: {user: null, group: null}\nresources: null")]
    [TestCase("mode: injection\nglance: {caBundle: \"\", copyMounts: [], containers: [glance-api]}\nenv: {A: 1, B: \"x\"}")]
    [TestCase("mode: injection\ningest: {enabled: true, port: 9292, secretName: a}\nresources: {limits: {memory: 4Gi, cpu: 2}}")]
    public async Task Expressions_AreOfTheTypesThatAnApiServerAsksFor(string values)
    {
        var types = await CelEngine.TypesAsync((await Renderer.WithValuesAsync(values)).Policy);
        Assert.That(types["patch"].Text(), Is.EqualTo("list<JSONPatch>"));
        Assert.That(types["conditions"]!.AsObject().Select(condition => condition.Value.Text()), Is.All.EqualTo("bool"));
    }

    /// <summary>The engine that types them does find what an API server would not take.</summary>
    [TestCase("args: [\"--config\"", "args: [1, \"--config\"", "List elements must have the same type")]
    [TestCase("\"memory\": \"256Mi\"", "\"memory\": 256", "Map value uses wrong type")]
    [TestCase("? [] : [", "? {} : [", "Ternary branches must have the same type")]
    [TestCase("+ string(has(", "+ (has(", "no such overload: string + int")]
    [TestCase(".indexOf(", ".positionOf(", "found no matching overload")]
    [TestCase("JSONPatch{op: \"add\", path: \"/spec/volumes/-\"", "JSONPatch{op: \"add\", place: \"/spec/volumes/-\"", "no_field_place")]
    [TestCase("JSONPatch{op: \"add\", path: \"/spec/volumes/-\"", "JSONPatch{op: 1, path: \"/spec/volumes/-\"", "text(int)")]
    [TestCase("object.spec.containers.exists", "pod.spec.containers.exists", "Unknown variable: pod")]
    public async Task Expression_ThatAnApiServerWouldRefuse_IsFound(string good, string bad, string expected)
    {
        var policy = await SpoiltAsync(good, bad);
        Assert.That((await CelEngine.TypesAsync(policy))["patch"].Text(), Does.Contain(expected));
    }

    [Test]
    public async Task Expression_ThatGivesAListTooMany_IsFound()
    {
        var policy = (await Renderer.WithValuesAsync("mode: injection")).Policy;
        var patch = policy["spec"]!["mutations"]![0]!["jsonPatch"]!;
        patch["expression"] = $"[{patch["expression"].Text()}]";
        Assert.That((await CelEngine.TypesAsync(policy))["patch"].Text(), Is.EqualTo("list<list<JSONPatch>>"));
    }

    // CEL's parser takes 100,000 characters. Of what values add to it nothing comes near.
    [Test]
    public async Task Expression_IsOfALengthThatAParserTakes() => Assert.That(
        CelPatch.ExpressionOf((await Renderer.ManifestsAsync("operator")).Policy), Has.Length.LessThan(30_000));

    private static async Task<JsonNode> SpoiltAsync(string good, string bad)
    {
        var policy = (await Renderer.WithValuesAsync("mode: injection")).Policy;
        var patch = policy["spec"]!["mutations"]![0]!["jsonPatch"]!;
        Assert.That(patch["expression"].Text(), Does.Contain(good));
        patch["expression"] = patch["expression"].Text().Replace(good, bad, StringComparison.Ordinal);
        return policy;
    }
}
