using System.Text.Json.Serialization;

namespace Sidecar.Import.Core;

/// <summary>What a successful import made.</summary>
/// <param name="Size">Length of the output, holes included.</param>
/// <param name="VirtualSize">Bytes that a guest would see.</param>
/// <param name="Digests">Of the output; algorithm to lower-case hex.</param>
/// <param name="Properties">To be set on the image.</param>
/// <param name="OutputPath">The staged image itself when no stage changed the bytes.</param>
/// <param name="Signature">None too in results of versions that knew of no signatures.</param>
/// <param name="Deferred">
/// Set when the file is not the output yet, but what that is to be made of; sizes and format are those of the output, and digests of it
/// are not known.
/// </param>
internal sealed record ImportResult(
    string DiskFormat,
    string ContainerFormat,
    long Size,
    long VirtualSize,
    IReadOnlyDictionary<string, string> Digests,
    IReadOnlyDictionary<string, string> Properties,
    string OutputPath,
    SignatureOutcome Signature = SignatureOutcome.None,
    DeferredConversion? Deferred = null)
{
    /// <summary>Bytes of the file.</summary>
    [JsonIgnore]
    public long FileLength => Deferred?.Length ?? Size;
}
