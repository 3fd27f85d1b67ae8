using System.Text.Json.Serialization;

namespace Sidecar.Routing.Deleting;

/// <summary>A deletion that is remembered; one file each, named by the image.</summary>
/// <param name="DeletedAt">When it was asked for. What was committed later stays.</param>
/// <param name="Told">Names of the peers that have heard of it.</param>
/// <param name="Heard">
/// Another pod was asked for it, and tells the others. It is remembered here too, as a pod that was not told yet may hand the
/// image over to this one.
/// </param>
internal sealed record Tombstone(DateTimeOffset DeletedAt, IReadOnlyList<string> Told, bool Heard = false);

/// <summary>Property names are on disk: rename none.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Tombstone))]
internal sealed partial class TombstoneJson : JsonSerializerContext;
