namespace Sidecar.Import.Core;

/// <summary>
/// What Glance's operator allows, by its section <c>[image_format]</c>. The property names are on disk, in the journal of the
/// import: rename none.
/// </summary>
internal sealed record ImageRules
{
    /// <summary><c>disk_formats</c>. Empty: those of Glance's default.</summary>
    public IReadOnlyList<string> DiskFormats { get; init; } = [];

    /// <summary><c>container_formats</c>. Empty: those of Glance's default.</summary>
    public IReadOnlyList<string> ContainerFormats { get; init; } = [];

    /// <summary><c>vmdk_allowed_types</c>. Null: all that are converted here; empty: none is converted.</summary>
    public IReadOnlyList<string>? VmdkTypes { get; init; }

    /// <summary><c>gpt_safety_checks_nonfatal</c>, added to <c>Import:ToleratedChecks</c>.</summary>
    public IReadOnlyList<string> ToleratedChecks { get; init; } = [];

    /// <summary><c>require_image_format_match</c> is false: an image is imported as what it is.</summary>
    public bool AllowFormatMismatch { get; init; }

    /// <summary>The names in all lists.</summary>
    public IEnumerable<string> Names => DiskFormats.Concat(ContainerFormats).Concat(VmdkTypes ?? []).Concat(ToleratedChecks);

    /// <summary>Whether an image may become one of the format.</summary>
    public bool Allow(string diskFormat) => DiskFormats.Count == 0 || DiskFormats.Contains(diskFormat);

    public bool IsSameAs(ImageRules other) =>
        DiskFormats.SequenceEqual(other.DiskFormats) && ContainerFormats.SequenceEqual(other.ContainerFormats)
        && (VmdkTypes is null ? other.VmdkTypes is null : other.VmdkTypes is not null && VmdkTypes.SequenceEqual(other.VmdkTypes))
        && ToleratedChecks.SequenceEqual(other.ToleratedChecks) && AllowFormatMismatch == other.AllowFormatMismatch;
}
