using System.Text.Json.Nodes;
using Chart.Tests.Harness;

namespace Chart.Tests.Rendering;

/// <summary>What is written in kinds/, without what a version of Kubernetes does not have.</summary>
internal static class KnownKinds
{
    /// <summary>The newest that is described.</summary>
    public const string Newest = "1.36";

    private static readonly Lazy<Task<IReadOnlyDictionary<string, JsonNode>>> Written = new(ReadAsync);

    public static async Task<IReadOnlyDictionary<string, JsonNode>> OfAsync(string version) => (await Written.Value)
        .Select(kind => (kind.Key, Shape: Of(kind.Value, Version.Parse(version))))
        .Where(kind => kind.Shape is not null).ToDictionary(kind => kind.Key, kind => kind.Shape!);

    private static async Task<IReadOnlyDictionary<string, JsonNode>> ReadAsync()
    {
        var files = Directory.GetFiles(Path.Combine(Repository.Tests, "kinds"), "*.yaml");
        var texts = await Task.WhenAll(files.Select(file => File.ReadAllTextAsync(file)));
        var parsed = await Renderer.ParseAsync(string.Join("\n---\n", texts));
        return files.Zip(parsed).ToDictionary(pair => Path.GetFileNameWithoutExtension(pair.First), pair => pair.Second);
    }

    // Nothing is left of words that are all later, nor of an object that must have a field of which nothing is left.
    private static JsonNode? Of(JsonNode shape, Version version) => shape switch
    {
        JsonObject fields => OfFields(fields, version),
        JsonArray list => new JsonArray([.. list.Select(item => Of(item!, version)).Where(item => item is not null)]),
        _ => OfWords(shape.Text(), version),
    };

    private static JsonObject? OfFields(JsonObject fields, Version version)
    {
        var left = new JsonObject();
        foreach (var (key, shape) in fields)
        {
            var (name, since) = Split(key);
            if (since > version) continue;
            if (Of(shape!, version) is { } field) left.Add(name, field);
            else if (name.EndsWith('!')) return null;
        }

        return left;
    }

    private static JsonValue? OfWords(string text, Version version)
    {
        // An @ in a regular expression is none of ours.
        if (text.StartsWith('/')) return JsonValue.Create(text);
        var words = text.Split('|').Select(Split).Where(word => word.Since <= version).Select(word => word.Text).ToList();
        return words.Count == 0 ? null : JsonValue.Create(string.Join('|', words));
    }

    private static (string Text, Version Since) Split(string text) =>
        text.Split('@') is [var before, var since] ? (before, Version.Parse(since)) : (text, new Version(0, 0));
}
