using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Sidecar.Staging.Core;

namespace Sidecar.Import.Core;

/// <summary>
/// What a caller asks for. Empty texts and lists stand for the configuration's defaults. The property names are on disk, in
/// the journal of the import: rename none.
/// </summary>
internal record ImportRequest
{
    /// <summary>
    /// Chosen by the caller, so that a retry attaches. <see cref="Guid.Empty"/>: the queue chooses one.
    /// </summary>
    public Guid ImportId { get; init; }

    public required ImageId ImageId { get; init; }

    /// <summary>Stages to run, in order. Empty: <c>Import:Plugins</c>.</summary>
    [JsonPropertyName("requested_stages")]
    public IReadOnlyList<string> Stages { get; init; } = [];

    /// <summary>Format that the caller claims. Empty: whatever it is.</summary>
    public string DiskFormat { get; init; } = "";

    /// <summary>Empty: bare. <c>compressed</c> is not decompressed.</summary>
    public string ContainerFormat { get; init; } = "";

    /// <summary>Format to convert to. Empty: <c>Import:Conversion:OutputFormat</c>.</summary>
    public string OutputDiskFormat { get; init; } = "";

    /// <summary>Leave out the digests of the output, for a caller that computes them anyway.</summary>
    public bool WithoutDigests { get; init; }

    /// <summary>Digests of the output that are wanted. Empty: <c>Import:Digests</c>, unless none are wanted.</summary>
    [JsonPropertyName("requested_digests"), AllowNull]
    public IReadOnlyList<string> Digests
    {
        get;
        // What generated code sets where a journal of an older version has none.
        init => field = value ?? [];
    } = [];

    /// <summary>The output is only to be written to stores, so a conversion to raw is left to those writes.</summary>
    public bool DefersConversion { get; init; }

    /// <summary>Signature of the staged bytes, to be verified; null: they have none.</summary>
    public ImageSignature? Signature { get; init; }

    /// <summary>Roles of the user who asked.</summary>
    public IReadOnlyList<string> UserRoles { get; init; } = [];

    /// <summary>The caller's request id, for the log. A retry may bear another one.</summary>
    public string RequestId { get; init; } = "";

    /// <summary>What Glance's operator allows. Null: the configuration alone decides.</summary>
    public ImageRules? Rules { get; init; }

    /// <summary>The request alone, of a record that holds more.</summary>
    protected ImportRequest AsRequest() => new(this);
}
