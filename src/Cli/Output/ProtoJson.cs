using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;

namespace Stagectl.Output;

/// <summary>
/// Messages as protobuf's JSON: lowerCamelCase names, 64-bit numbers as strings, times in RFC 3339. Fields with their
/// default value are there too, so that a script need not know which ones may be missing.
/// </summary>
internal static class ProtoJson
{
    private static readonly JsonFormatter Formatter =
        new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    /// <summary>File names and messages stay readable; the output is no HTML.</summary>
    public static JsonSerializerOptions Options { get; } =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonNode Node(IMessage message) => JsonNode.Parse(Formatter.Format(message))!;
}
