using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Chart.Tests.Rendering;

/// <summary>The data in the policy's expression, in the form of a pod's spec.</summary>
internal static class CelPatch
{
    private static readonly Regex Values = new("""path: (?<path>".+?), value:\s*""");

    public static JsonObject Of(JsonNode policy)
    {
        var expression = ExpressionOf(policy);
        var pod = new JsonObject
        {
            ["volumes"] = new JsonArray(), ["initContainers"] = new JsonArray(), ["mounts"] = new JsonArray(),
        };
        foreach (Match match in Values.Matches(expression))
        {
            var path = match.Groups["path"].Value;
            var literal = new CelLiteral(expression, match.Index + match.Length);
            if (path.StartsWith("\"/spec/volumes/-", StringComparison.Ordinal)) Add("volumes", "Object.spec.volumes");
            else if (path == "\"/spec/initContainers/-\"") Add("initContainers", "Object.spec.initContainers");
            else if (IsMountOfGlances(path)) Add("mounts", "Object.spec.containers.volumeMounts");
            else if (path == "\"/spec/terminationGracePeriodSeconds\"")
                pod["terminationGracePeriodSeconds"] = literal.Read("");

            void Add(string list, string type) => pod[list]!.AsArray().Add(literal.Read(type));
        }

        return pod;
    }

    // And not one that the sidecar takes over, whose value is no literal.
    private static bool IsMountOfGlances(string path) => path.StartsWith("\"/spec/containers/", StringComparison.Ordinal)
        && path.EndsWith("\"/volumeMounts/-\"", StringComparison.Ordinal);

    public static string ExpressionOf(JsonNode policy) =>
        policy["spec"]!["mutations"]!.AsArray().Single()!["jsonPatch"]!["expression"].Text();
}
