using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Sidecar.Webhook.Reviews;

/// <summary><c>AdmissionReview</c> of admission.k8s.io/v1: the question, and the answer in the same envelope.</summary>
internal sealed record AdmissionReview(
    string ApiVersion, string Kind, AdmissionRequest? Request = null, AdmissionResponse? Response = null)
{
    public const string Version = "admission.k8s.io/v1";
    public const string KindName = "AdmissionReview";
}

/// <summary>Of the question, what matters here.</summary>
internal sealed record AdmissionRequest(
    string Uid, ObjectKind Kind, string? Namespace = null, string? Operation = null, JsonObject? Object = null);

/// <summary>What kind of object is asked about.</summary>
internal sealed record ObjectKind(string? Group = null, string? Version = null, string? Kind = null);

/// <summary>The answer, which always allows: whoever must not have the sidecar is left as it is.</summary>
/// <param name="Patch">RFC 6902 as JSON, which goes as base64.</param>
internal sealed record AdmissionResponse(
    string Uid, bool Allowed, string? PatchType = null, byte[]? Patch = null, IReadOnlyList<string>? Warnings = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AdmissionReview))]
[JsonSerializable(typeof(IReadOnlyList<JsonObject>))]
internal sealed partial class ReviewJson : JsonSerializerContext;
