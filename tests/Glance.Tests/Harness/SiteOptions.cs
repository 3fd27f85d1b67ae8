namespace Glance.Tests.Harness;

/// <summary>How a site differs from the usual one.</summary>
internal sealed record SiteOptions
{
    /// <summary>Glance alone: none of our code, and Glance's own import plugins.</summary>
    public static SiteOptions GlanceAlone { get; } = new()
    {
        WithSidecar = false, Plugins = "['image_decompression','image_conversion']",
    };

    public bool WithSidecar { get; init; } = true;

    public string Plugins { get; init; } = "['staging_sidecar']";

    /// <summary>Options of the package, beside the suite's.</summary>
    public IReadOnlyDictionary<string, string> Plugin { get; init; } = new Dictionary<string, string>();
}
