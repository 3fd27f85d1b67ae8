using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sidecar.Staging.Core;

/// <summary>The records under <c>.sidecar</c>. Their property names are on disk: rename none.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(ImageIdConverter)])]
[JsonSerializable(typeof(UploadHeader))]
[JsonSerializable(typeof(StagedImage))]
internal sealed partial class StagingJson : JsonSerializerContext;

/// <summary>Image ids as plain strings, checked on the way in.</summary>
internal sealed class ImageIdConverter : JsonConverter<ImageId>
{
    public override ImageId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ImageId.TryParse(reader.GetString(), out var id) ? id : throw new JsonException("Not an image id.");

    public override void Write(Utf8JsonWriter writer, ImageId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
