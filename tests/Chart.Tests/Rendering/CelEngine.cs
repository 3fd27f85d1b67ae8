using System.Diagnostics;
using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using NUnit.Framework;

namespace Chart.Tests.Rendering;

/// <summary>CEL engines of others, run by the scripts in cel/.</summary>
internal static class CelEngine
{
    /// <summary>What each expression of the policy would be, or what is wrong with it, and the same of its mutations as "patch".</summary>
    public static async Task<JsonNode> TypesAsync(JsonNode policy) =>
        await RunAsync("check.js", new JsonObject { ["policy"] = policy.DeepClone() });

    public static async Task<JsonNode> RunAsync(string script, JsonObject input)
    {
        var start = new ProcessStartInfo("node", [script]) { WorkingDirectory = Path.Combine(Repository.Tests, "cel") };
        var (exit, output, error) = await Command.RunAsync(start, input.ToJsonString());
        Assert.That(exit, Is.Zero, error);
        return JsonNode.Parse(output)!;
    }
}
