using System.Text.Json.Nodes;
using NUnit.Framework;

namespace Chart.Tests.Rendering;

/// <summary>What a chart renders to.</summary>
internal sealed class Manifests(IReadOnlyList<JsonNode> documents)
{
    public IReadOnlyList<JsonNode> All => documents;

    public IEnumerable<string> Kinds => documents.Select(document => document["kind"].Text());

    /// <summary>The daemon's configuration file.</summary>
    public string Config =>
        documents.Select(document => document["data"]?["sidecar.json"]).Single(file => file is not null).Text();

    /// <summary>What cert-manager is asked for on behalf of the pods; null when a Secret is given.</summary>
    public JsonNode? Certificate => documents.Select(document => document["spec"])
        .SingleOrDefault(spec => spec?["dnsNames"]?[0].Text().StartsWith("*.", StringComparison.Ordinal) is true);

    /// <summary>What the webhook is given, by file; null when it is not used.</summary>
    public JsonObject? WebhookFiles =>
        documents.Select(document => document["data"]?.AsObject()).SingleOrDefault(data => data?["webhook.json"] is not null);

    /// <summary>The policy, the cluster's own or Kyverno's.</summary>
    public JsonNode Policy => documents.Single(document => document["kind"].Text() is "MutatingAdmissionPolicy" or "MutatingPolicy");

    /// <summary>The only one of the kind, or the one of that name.</summary>
    public JsonNode Get(string kind, string? name = null)
    {
        var found = documents.Where(document => document["kind"].Text() == kind
            && (name is null || document["metadata"]!["name"].Text() == name)).ToList();
        Assert.That(found, Has.Count.EqualTo(1), $"{kind} {name}");
        return found[0];
    }

    /// <summary>The pod that has the sidecar, as the StatefulSet, or the patch, or the policy has it.</summary>
    public async Task<JsonNode> PodSpecAsync()
    {
        if (Kinds.Contains("StatefulSet")) return Get("StatefulSet")["spec"]!["template"]!["spec"]!;
        if (WebhookFiles is { } files) return JsonNode.Parse(files["injection.json"].Text())!["patch"]!;
        if (Kinds.Contains("MutatingAdmissionPolicy") || Kinds.Contains("MutatingPolicy")) return CelPatch.Of(Policy);
        return await PatchAsync();
    }

    /// <summary>The sidecar's container in it.</summary>
    public async Task<JsonNode> ContainerAsync()
    {
        var pod = await PodSpecAsync();
        return (pod["initContainers"] ?? pod["containers"])!.AsArray()
            .Single(container => container!["name"].Text() == "staging-sidecar")!;
    }

    private async Task<JsonNode> PatchAsync()
    {
        var map = documents.Single(document => document["data"]?["patch.yaml"] is not null);
        var patch = await Renderer.ParseAsync(map["data"]!["patch.yaml"].Text());
        return patch[0]["spec"]!["template"]!["spec"]!;
    }
}
