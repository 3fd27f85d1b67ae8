using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Chart.Tests.Rendering;

/// <summary>Compares a manifest with what is known of its kind; kinds/README.md says how that is written.</summary>
internal sealed class Shape(IReadOnlyDictionary<string, JsonNode> known)
{
    /// <param name="version">Of Kubernetes.</param>
    public static async Task<Shape> LoadAsync(string version = KnownKinds.Newest) => new(await KnownKinds.OfAsync(version));

    /// <summary>What is wrong, each with its place; nothing when all is well.</summary>
    public IEnumerable<string> Faults(JsonNode manifest)
    {
        var kind = manifest["kind"]?.Text() ?? "";
        return known.ContainsKey(kind) ? Faults(kind, "$" + kind, manifest) : [$"{kind}: unknown kind"];
    }

    public IEnumerable<string> Faults(string place, JsonNode shape, JsonNode? value) => (shape, value) switch
    {
        (JsonArray { Count: 1 } list, JsonArray { Count: > 0 } values) =>
            values.SelectMany((member, i) => Faults($"{place}[{i}]", list[0]!, member)),
        (JsonArray { Count: 0 }, JsonArray { Count: 0 }) => [],
        (JsonObject map, JsonObject values) when map.ContainsKey("*") =>
            values.SelectMany(pair => Faults($"{place}.{pair.Key}", map["*"]!, pair.Value)),
        (JsonObject fields, JsonObject values) => FieldFaults(place, fields, values),
        (JsonValue word, _) => WordFaults(place, word.Text(), value),
        _ => [$"{place}: not a {shape.GetValueKind()}"],
    };

    private IEnumerable<string> FieldFaults(string place, JsonObject fields, JsonObject values)
    {
        foreach (var (key, shape) in fields)
        {
            if (key.EndsWith('!') && !values.ContainsKey(key[..^1])) yield return $"{place}: {key[..^1]} is missing";
        }

        foreach (var (key, value) in values)
        {
            var shape = fields[key] ?? fields[key + "!"];
            if (shape is null) yield return $"{place}: {key} is unknown";
            else foreach (var fault in Faults($"{place}.{key}", shape, value)) yield return fault;
        }
    }

    private IEnumerable<string> WordFaults(string place, string word, JsonNode? value)
    {
        if (word.StartsWith('$')) return Faults(place, known[word[1..]], value);
        return Fits(word, value) ? [] : [$"{place}: {value?.ToJsonString() ?? "null"} is not {word}"];
    }

    private static bool Fits(string word, JsonNode? value) => value?.GetValueKind() switch
    {
        JsonValueKind.True or JsonValueKind.False => word == "bool",
        JsonValueKind.Number => word.Split('|').Contains("int") && value.ToJsonString().All(char.IsAsciiDigit),
        JsonValueKind.String when word.StartsWith('/') => Regex.IsMatch(value.Text(), $"^({word[1..^1]})$"),
        JsonValueKind.String => word.Split('|') is var words
            && (words.Contains("string") || words.Contains(value.Text())),
        _ => false,
    };
}
