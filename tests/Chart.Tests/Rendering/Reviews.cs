using System.Text.Json.Nodes;
using Chart.Tests.Harness;

namespace Chart.Tests.Rendering;

/// <summary>What is in reviews/: what API servers ask about new pods.</summary>
internal static class Reviews
{
    private static readonly string Directory = Path.Combine(Repository.Tests, "reviews");

    /// <summary>All of them, such as hidden and main/single.</summary>
    public static string[] Names =>
    [
        .. System.IO.Directory.GetFiles(Directory, "*.yaml", SearchOption.AllDirectories)
            .Select(file => Path.ChangeExtension(Path.GetRelativePath(Directory, file), null)).Order(StringComparer.Ordinal),
    ];

    public static async Task<JsonNode> ReadAsync(string name) =>
        (await Renderer.ParseAsync(await File.ReadAllTextAsync(Path.Combine(Directory, name + ".yaml"))))[0];

    /// <summary>The pod that is asked about.</summary>
    public static async Task<JsonObject> PodAsync(string name) => (await ReadAsync(name))["request"]!["object"]!.AsObject();
}
