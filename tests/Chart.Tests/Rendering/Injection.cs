using System.Globalization;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace Chart.Tests.Rendering;

/// <summary>
/// What the rendered admission policy makes of a pod: its CEL is evaluated by an engine of others, its patch applied.
/// </summary>
/// <param name="Refused">Names of the conditions that are not met; none when the pod is taken.</param>
/// <param name="Pod">With the patch.</param>
internal sealed record Injection(IReadOnlyList<string> Refused, JsonObject Pod)
{
    /// <summary>Why the pod was taken and has no sidecar all the same; null when it has.</summary>
    public string? Obstacle => Pod["metadata"]!["annotations"]?["glance-staging-sidecar/not-injected"]?.Text();

    public static async Task<Injection> OfAsync(JsonNode policy, JsonObject pod)
    {
        var input = new JsonObject { ["policy"] = policy.DeepClone(), ["pod"] = pod.DeepClone() };
        var evaluated = await CelEngine.RunAsync("evaluate.js", input);
        var patched = pod.DeepClone().AsObject();
        Apply(patched, evaluated["patch"]!.AsArray());
        var refused = evaluated["conditions"]!.AsObject()
            .Where(condition => !condition.Value!.GetValue<bool>()).Select(condition => condition.Key);
        return new Injection([.. refused], patched);
    }

    /// <summary>RFC 6902, of which injection uses "add" only.</summary>
    public static void Apply(JsonObject document, JsonArray patch)
    {
        foreach (var operation in patch) Apply(document, operation!);
    }

    private static void Apply(JsonObject document, JsonNode operation)
    {
        Assert.That(operation["op"].Text(), Is.EqualTo("add"));
        var path = operation["path"].Text();
        var steps = path[1..].Split('/').Select(step => step.Replace("~1", "/", StringComparison.Ordinal)).ToArray();
        JsonNode? parent = document;
        foreach (var step in steps[..^1])
        {
            parent = parent is JsonArray list ? list[int.Parse(step, CultureInfo.InvariantCulture)] : parent?[step];
        }

        var value = operation["value"]!.DeepClone();
        switch (parent)
        {
            case JsonArray list when steps[^1] == "-": list.Add(value); break;
            case JsonObject map: map[steps[^1]] = value; break;
            default: throw new AssertionException($"The API server has no {path} to add to.");
        }
    }
}
