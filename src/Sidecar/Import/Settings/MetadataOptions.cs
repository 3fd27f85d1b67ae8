namespace Sidecar.Import.Settings;

/// <summary>Section <c>Import:Metadata</c>: what inject_image_metadata sets.</summary>
internal sealed class MetadataOptions
{
    /// <summary>Properties to set on every imported image. None by default.</summary>
    public Dictionary<string, string> Inject { get; set; } = [];

    /// <summary>
    /// Users with one of these roles are left alone. Empty: admin, as in Glance. A single empty text: nobody is.
    /// </summary>
    public List<string> IgnoreUserRoles { get; set; } = [];

    public IReadOnlyList<string> ResolveIgnoreUserRoles() => IgnoreUserRoles.Count > 0 ? IgnoreUserRoles : ["admin"];
}
