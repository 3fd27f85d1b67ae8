namespace Glance.Tests.Harness.Servers;

/// <summary>How a site differs from the usual one.</summary>
internal sealed record SiteOptions
{
    /// <summary>Glance alone: none of our code, and Glance's own import plugins.</summary>
    public static SiteOptions GlanceAlone { get; } = new()
    {
        WithSidecar = false, Plugins = "['image_decompression','image_conversion']",
    };

    /// <summary>What the suite uses: Glance alone when a person wants to see what it does with the same cases.</summary>
    public static SiteOptions Chosen { get; } =
        Environment.GetEnvironmentVariable("GLANCE_TESTS_ALONE") == "1" ? GlanceAlone : new SiteOptions();

    /// <summary>
    /// Where Python looks before Debian's packages, as PYTHONPATH has it: another version of Glance, and of what that
    /// needs newer than Debian has it.
    /// </summary>
    public static string Sources => Environment.GetEnvironmentVariable("GLANCE_TESTS_SOURCES") is { Length: > 0 } sources
        ? sources + ":" : "";

    public bool WithSidecar { get; init; } = true;

    /// <summary>Apache with mod_wsgi instead of gunicorn.</summary>
    public bool UnderApache { get; init; }

    /// <summary>uWSGI instead of gunicorn.</summary>
    public bool UnderUwsgi { get; init; }

    /// <summary>How many requests each glance-api works on at once; not under Apache.</summary>
    public int Threads { get; init; } = 12;

    /// <summary>
    /// Apache gives uploads to the sidecar, as the chart's README says; otherwise users who want that go to the sidecar themselves.
    /// </summary>
    public bool UploadsByApache { get; init; }

    /// <summary>A Ceph cluster besides the file stores; the default store is in it.</summary>
    public bool WithCeph { get; init; }

    /// <summary>A bucket in that cluster, too.</summary>
    public bool WithS3 { get; init; }

    public string Plugins { get; init; } = "['staging_sidecar']";

    /// <summary>Settings of the daemons, beside the suite's.</summary>
    public IReadOnlyList<string> Daemon { get; init; } = [];

    /// <summary>Options of the package, beside the suite's.</summary>
    public IReadOnlyDictionary<string, string> Plugin { get; init; } = new Dictionary<string, string>();
}
