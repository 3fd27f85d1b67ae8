using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Import.Settings;

/// <summary>
/// Section <c>Import</c> of the configuration. Empty lists stand for their defaults, as bound lists grow.
/// </summary>
internal sealed class ImportOptions
{
    public const string Section = "Import";

    /// <summary>
    /// Stages to run, in order, by the names of Glance's import plugins. Empty: image_decompression,
    /// image_conversion. image_inspection comes first and image_checksum last, whether listed or not;
    /// image_signature_verification comes second, of every image that has a signature.
    /// </summary>
    [AllowedValuesList(
        "image_inspection", "image_signature_verification", "image_decompression", "image_conversion", "inject_image_metadata", "image_checksum")]
    public List<string> Plugins { get; set; } = [];

    /// <summary>Imports that run at once; the others wait their turn. 0: the number of processors.</summary>
    [AllowedRange(0, 1024)]
    public int MaxConcurrent { get; set; }

    /// <summary>
    /// Memory of all programs that imports run at once, in bytes; a program that does not fit waits. 0: half of what the cgroup,
    /// or else the machine, has.
    /// </summary>
    [AllowedRange(0, long.MaxValue)]
    public long MaxMemoryBytes { get; set; }

    /// <summary>
    /// Digests of the output: md5, sha1, sha256, sha512. Empty: md5 and sha512, which are Glance's checksum and
    /// os_hash_value.
    /// </summary>
    [AllowedValuesList("md5", "sha1", "sha256", "sha512")]
    public List<string> Digests { get; set; } = [];

    /// <summary>Largest disk that a guest may see, in bytes. As Glance's image_size_cap: 1 TiB.</summary>
    [AllowedRange(1, long.MaxValue)]
    public long MaxVirtualBytes { get; set; } = 1L << 40;

    /// <summary>
    /// Checks of odd boot records that do not refuse an image, as Glance's gpt_safety_checks_nonfatal. None by
    /// default.
    /// </summary>
    [AllowedValuesList("mbr_boot_flag", "mbr_partitions", "mbr_hybrid", "mbr_protective")]
    public List<string> ToleratedChecks { get; set; } = [];

    /// <summary>
    /// A finished import that nobody releases is removed after this time, with its output. Zero: never. A week
    /// outlasts a weekend in which the backend was down.
    /// </summary>
    [AllowedDuration("00:00:00", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// How the programs that imports run are confined to their own input and output, by Landlock and seccomp. available: by
    /// what the kernel and the container permit; required: not run where either is missing; off: not confined, for programs
    /// that are scripts or need other files.
    /// </summary>
    [AllowedValuesList("available", "required", "off")]
    public string Confinement { get; set; } = "available";

    /// <summary>More that those programs may read and run, such as /opt/qemu where they are not in /usr.</summary>
    public List<string> ConfinementPaths { get; set; } = [];

    /// <summary>
    /// Longest that the digests of an output, or the one that a signature is made over, may take. 4 hours are 1 TiB at
    /// 75 MiB/s, holes included: they are digested too.
    /// </summary>
    [AllowedDuration("00:00:01", "7.00:00:00")]
    public TimeSpan DigestTimeout { get; set; } = TimeSpan.FromHours(4);

    [ValidateObjectMembers]
    public DecompressionOptions Decompression { get; set; } = new();

    [ValidateObjectMembers]
    public ConversionOptions Conversion { get; set; } = new();

    public MetadataOptions Metadata { get; set; } = new();

    [ValidateObjectMembers]
    public ToolOptions Tools { get; set; } = new();

    public IReadOnlyList<string> ResolvePlugins() =>
        Plugins.Count > 0 ? Plugins : ["image_decompression", "image_conversion"];

    public IReadOnlyList<string> ResolveDigests() => Digests.Count > 0 ? [.. Digests.Distinct()] : ["md5", "sha512"];

    public int ResolveMaxConcurrent() => MaxConcurrent > 0 ? MaxConcurrent : Environment.ProcessorCount;
}

[OptionsValidator]
internal sealed partial class ImportOptionsValidator : IValidateOptions<ImportOptions>;
