using System.Text.Json.Nodes;

namespace Sidecar.Webhook.Injecting;

/// <summary>
/// Reads a pod that anybody may have made up: what is missing or of another type is not there, rather than a reason to fail.
/// </summary>
internal static class PodView
{
    public static IEnumerable<JsonObject> Objects(this JsonNode? parent, string list) =>
        ((parent as JsonObject)?[list] as JsonArray)?.OfType<JsonObject>() ?? [];

    public static string Text(this JsonNode? parent, string name) =>
        (parent as JsonObject)?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    public static bool Has(this JsonNode? parent, string name) => (parent as JsonObject)?[name] is not null;

    public static bool IsTrue(this JsonNode? parent, string name) =>
        (parent as JsonObject)?[name] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    public static long? Number(this JsonNode? parent, string name) =>
        (parent as JsonObject)?[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    /// <summary>With its place in the list, by which a patch names it.</summary>
    public static IEnumerable<(int Index, JsonObject Container)> Containers(this JsonNode? spec) =>
        spec.Objects("containers").Select((container, index) => (index, container));
}
