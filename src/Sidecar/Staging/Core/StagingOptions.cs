using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Staging.Core;

/// <summary>Section <c>Staging</c> of the configuration.</summary>
internal sealed class StagingOptions
{
    public const string Section = "Staging";

    /// <summary>
    /// The staging directory that this sidecar owns; created when missing. Glance's default is
    /// /var/lib/glance/os_glance_staging_store. Empty: <c>glance-staging-sidecar/staging</c> under the user's state
    /// directory (<c>XDG_STATE_HOME</c>, else <c>~/.local/state</c>).
    /// </summary>
    public string Directory { get; set; } = "";

    /// <summary>Name of this pod, shown as the owner of what is staged here. Empty: the host name.</summary>
    [AllowedPattern("^[A-Za-z0-9._-]{0,253}$", "a DNS name of at most 253 characters")]
    public string PodName { get; set; } = "";

    /// <summary>Directories, beside the staging directory, whose files AdoptFile may take over.</summary>
    public List<string> AdoptDirectories { get; set; } = [];

    /// <summary>
    /// Digests computed for every upload, beside crc32c: md5, sha1, sha256, sha512. None by default: expected digests are
    /// computed, and where the claimed format shows that an import will leave the bytes as they are, Import:Digests.
    /// </summary>
    [AllowedValuesList("md5", "sha1", "sha256", "sha512")]
    public List<string> Digests { get; set; } = [];

    /// <summary>Largest image accepted, in bytes. Glance's image_size_cap has the same default, 1 TiB.</summary>
    [AllowedRange(1, long.MaxValue)]
    public long MaxImageBytes { get; set; } = 1L << 40;

    /// <summary>Bytes of the volume that are never given out, so that journals, records and deletes always work.</summary>
    [AllowedRange(0, long.MaxValue)]
    public long ReserveBytes { get; set; } = 64 << 20;

    /// <summary>New uploads are refused while less than this part of the volume is free.</summary>
    [AllowedRange(0, 99)]
    public int LowWatermarkPercent { get; set; } = 5;

    /// <summary>Once refused, uploads are accepted again when this part of the volume is free.</summary>
    [AllowedRange(0, 100)]
    public int HighWatermarkPercent { get; set; } = 8;

    /// <summary>Step in which an upload without a declared size grows its reservation, in bytes.</summary>
    [AllowedRange(1 << 20, 1L << 40)]
    public long ReservationStepBytes { get; set; } = 256 << 20;

    /// <summary>Received bytes after which an upload is made durable up to there.</summary>
    [AllowedRange(1 << 20, 1L << 40)]
    public long DurableIntervalBytes { get; set; } = 256 << 20;

    /// <summary>
    /// A call that sends nothing, or takes nothing of an image that it reads, for this long is ended; an upload keeps its offset.
    /// </summary>
    [AllowedDuration("00:00:01", "1.00:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>An unfinished upload that nobody continues is removed after this time. Zero: never.</summary>
    [AllowedDuration("00:00:00", "365.00:00:00")]
    public TimeSpan UploadRetention { get; set; } = TimeSpan.FromDays(2);
}

[OptionsValidator]
internal sealed partial class StagingOptionsValidator : IValidateOptions<StagingOptions>;
