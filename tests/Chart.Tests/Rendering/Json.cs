using System.Text.Json.Nodes;

namespace Chart.Tests.Rendering;

/// <summary>Short words for what tests do with JSON all the time.</summary>
internal static class Json
{
    public static string Text(this JsonNode? node) => node!.GetValue<string>();

    public static long Number(this JsonNode? node) => node!.GetValue<long>();

    /// <summary>The names of a list's members, which Kubernetes tells apart by them.</summary>
    public static IEnumerable<string> Names(this JsonNode? list) =>
        list!.AsArray().Select(item => item!["name"].Text());

    public static bool Same(JsonNode? one, JsonNode? other) => JsonNode.DeepEquals(one, other);
}
