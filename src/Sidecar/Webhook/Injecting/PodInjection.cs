using System.Text.Json.Nodes;

namespace Sidecar.Webhook.Injecting;

/// <summary>
/// Decides which pods get the sidecar, and writes the patch: the same in every case as what the chart's admission policy says in
/// CEL. A pod that has the sidecar is left alone, so that an API server may ask again.
/// </summary>
internal sealed class PodInjection(InjectionPlan plan)
{
    public const string SidecarName = "staging-sidecar";

    private const string Annotation = "glance-staging-sidecar/not-injected";

    private readonly HashSet<string> _ownVolumes = [.. plan.Patch.Volumes.Select(volume => volume.Text("name"))];

    /// <summary>An empty patch where the pod is not meant.</summary>
    public InjectionDecision Decide(JsonObject pod)
    {
        if (!IsMeant(pod)) return new InjectionDecision([], null);
        var spec = pod["spec"];
        return ObstacleOf(spec) is { } obstacle
            ? new InjectionDecision([Annotate(pod["metadata"], obstacle)], obstacle)
            : new InjectionDecision([.. PatchOf(spec)], null);
    }

    private bool IsMeant(JsonObject pod)
    {
        var (metadata, spec) = (pod["metadata"], pod["spec"]);
        return metadata.Objects("ownerReferences").Any(owner =>
                owner.Text("kind") == "StatefulSet" && owner.Text("apiVersion").StartsWith("apps/", StringComparison.Ordinal))
            && spec.Objects("volumes").Any(volume => volume.Text("name") == plan.StagingVolume)
            && !spec.Objects("initContainers").Concat(spec.Objects("containers")).Any(container => container.Text("name") == SidecarName);
    }

    private string? ObstacleOf(JsonNode? spec)
    {
        var mounts = spec.Objects("containers").Where(IsGlances).SelectMany(container => container.Objects("volumeMounts")).ToList();
        if (spec.Objects("volumes").Any(volume => _ownVolumes.Contains(volume.Text("name")))) return plan.Obstacles.Volumes;
        if (mounts.Any(mount => mount.Text("name") != plan.StagingVolume && plan.Hiding.Contains(mount.Text("mountPath"))))
            return plan.Obstacles.Hidden;
        return mounts.Any(mount => plan.Socket.Contains(mount.Text("mountPath"))) ? plan.Obstacles.Socket : null;
    }

    private IEnumerable<JsonObject> PatchOf(JsonNode? spec)
    {
        foreach (var volume in plan.Patch.Volumes) yield return Add("/spec/volumes/-", volume.DeepClone());
        if (!spec.Has("initContainers")) yield return Add("/spec/initContainers", new JsonArray());
        yield return Add("/spec/initContainers/-", SidecarOf(spec));
        foreach (var (index, container) in spec.Containers().Where(entry => IsGlances(entry.Container)))
        {
            if (!container.Has("volumeMounts")) yield return Add($"/spec/containers/{index}/volumeMounts", new JsonArray());
            foreach (var mount in plan.Patch.Containers[0].VolumeMounts)
                yield return Add($"/spec/containers/{index}/volumeMounts/-", mount.DeepClone());
        }

        var grace = plan.Patch.TerminationGracePeriodSeconds;
        if (!(spec.Number("terminationGracePeriodSeconds") >= grace))
            yield return Add("/spec/terminationGracePeriodSeconds", JsonValue.Create(grace));
    }

    private JsonNode SidecarOf(JsonNode? spec)
    {
        var sidecar = plan.Patch.InitContainers[0].DeepClone();
        var mounts = sidecar["volumeMounts"]!.AsArray();
        foreach (var mount in CopiedMounts(spec))
        {
            JsonNode copy = new JsonObject
            {
                ["mountPath"] = mount.Text("mountPath"), ["name"] = mount.Text("name"), ["readOnly"] = mount.IsTrue("readOnly"),
                ["subPath"] = mount.Text("subPath"),
            };
            mounts.Add(copy);
        }

        return sidecar;
    }

    // Of one container only: two may have the same path.
    private IEnumerable<JsonObject> CopiedMounts(JsonNode? spec) => plan.Containers
        .Select(name => spec.Objects("containers").FirstOrDefault(container => container.Text("name") == name))
        .FirstOrDefault(container => container is not null)
        .Objects("volumeMounts")
        .Where(mount => !mount.Has("subPathExpr") && !plan.Own.Contains(mount.Text("mountPath"))
            && plan.Copied.Any(path => mount.Text("mountPath") == path || mount.Text("mountPath").StartsWith(path + "/", StringComparison.Ordinal)));

    private bool IsGlances(JsonObject container) => plan.Containers.Contains(container.Text("name"));

    private static JsonObject Annotate(JsonNode? metadata, string text) => metadata.Has("annotations")
        ? Add("/metadata/annotations/" + Annotation.Replace("/", "~1", StringComparison.Ordinal), text)
        : Add("/metadata/annotations", new JsonObject { [Annotation] = text });

    private static JsonObject Add(string path, JsonNode value) => new() { ["op"] = "add", ["path"] = path, ["value"] = value };
}

/// <summary>What becomes of a pod.</summary>
/// <param name="Patch">Operations of RFC 6902; none when it is left alone.</param>
/// <param name="Obstacle">Why it should have the sidecar and cannot; null otherwise.</param>
internal sealed record InjectionDecision(IReadOnlyList<JsonObject> Patch, string? Obstacle);
