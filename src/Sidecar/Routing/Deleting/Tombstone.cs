using System.Text.Json.Serialization;

namespace Sidecar.Routing.Deleting;

/// <summary>A deletion that peers must still be notified of; one file each, named by the image.</summary>
/// <param name="DeletedAt">When it was asked for. What was committed later stays.</param>
/// <param name="Told">Names of the peers that have heard of it.</param>
internal sealed record Tombstone(DateTimeOffset DeletedAt, IReadOnlyList<string> Told);

/// <summary>Property names are on disk: rename none.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Tombstone))]
internal sealed partial class TombstoneJson : JsonSerializerContext;
