using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Sidecar.Webhook.Injecting;

/// <summary>What is put into Glance's pods, as the chart says it (its template sidecar.injection) to all methods of injection.</summary>
/// <param name="StagingVolume">The pod's volume that has the staging directory.</param>
/// <param name="Containers">Glance's containers, of which a pod may have some; the first that is there is the one that stores images.</param>
/// <param name="Hiding">Paths at which another volume would hide the staging directory.</param>
/// <param name="Socket">The directory of the sidecar's socket, in each way to write it.</param>
/// <param name="Copied">Paths at and below which the sidecar takes over the mounts of Glance's container.</param>
/// <param name="Own">Paths of the sidecar's own mounts.</param>
/// <param name="Patch">What is added.</param>
/// <param name="Obstacles">Why a pod cannot have the sidecar, in words.</param>
internal sealed record InjectionPlan(
    string StagingVolume, IReadOnlyList<string> Containers, IReadOnlyList<string> Hiding, IReadOnlyList<string> Socket,
    IReadOnlyList<string> Copied, IReadOnlyList<string> Own, PodPatch Patch, ObstacleTexts Obstacles)
{
    /// <exception cref="InvalidDataException">The file is not one.</exception>
    public static InjectionPlan Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return JsonSerializer.Deserialize(file, InjectionJson.Default.InjectionPlan) is { Patch: { InitContainers.Count: 1, Containers.Count: > 0 } } plan
                ? plan : throw new JsonException("It has no sidecar, or no container to give the socket to.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            throw new InvalidDataException(
                $"Webhook:InjectionFile is '{path}'; allowed: the absolute path of the chart's injection.json.", failure);
        }
    }
}

/// <summary>A part of a pod's specification. The containers name the same mount each.</summary>
internal sealed record PodPatch(
    long TerminationGracePeriodSeconds, IReadOnlyList<JsonObject> Volumes, IReadOnlyList<JsonObject> InitContainers,
    IReadOnlyList<MountingContainer> Containers);

/// <summary>One of Glance's containers, and what it gets.</summary>
internal sealed record MountingContainer(string Name, IReadOnlyList<JsonObject> VolumeMounts);

/// <summary>Texts for the annotation of a pod that gets nothing else.</summary>
/// <param name="Volumes">It has a volume called as one of the sidecar's.</param>
/// <param name="Hidden">Another volume hides the staging directory.</param>
/// <param name="Socket">Something else is where the socket should be.</param>
internal sealed record ObstacleTexts(string Volumes, string Hidden, string Socket);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(InjectionPlan))]
internal sealed partial class InjectionJson : JsonSerializerContext;
