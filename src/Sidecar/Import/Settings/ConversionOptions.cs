using Sidecar.Configuration;

namespace Sidecar.Import.Settings;

/// <summary>Section <c>Import:Conversion</c>.</summary>
internal sealed class ConversionOptions
{
    /// <summary>
    /// Format to convert to when a request names none. raw is what Ceph clones, and Glance's default.
    /// </summary>
    [AllowedValuesList("raw", "qcow2", "vmdk")]
    public string OutputFormat { get; set; } = "raw";

    /// <summary>Kind of vmdk output. streamOptimized is the compressed one that others import.</summary>
    [AllowedValuesList("streamOptimized", "monolithicSparse")]
    public string VmdkSubformat { get; set; } = "streamOptimized";

    /// <summary>
    /// How qemu-img writes qcow2 and vmdk (its -t). The sidecar makes the finished file durable itself, so qemu-img need
    /// not; none (O_DIRECT) keeps the page cache for others.
    /// </summary>
    [AllowedValuesList("unsafe", "writeback", "none")]
    public string OutputCache { get; set; } = "unsafe";

    /// <summary>How qemu-img and qemu-nbd read their input (-T, --cache).</summary>
    [AllowedValuesList("writeback", "none")]
    public string InputCache { get; set; } = "writeback";

    /// <summary>Reads of 256 KiB in flight while converting to raw. 16 is qemu-nbd's maximum.</summary>
    [AllowedRange(1, 16)]
    public int Coroutines { get; set; } = 16;

    /// <summary>Largest output file, in bytes; also its RLIMIT_FSIZE. As Glance's image_size_cap: 1 TiB.</summary>
    [AllowedRange(1 << 20, long.MaxValue)]
    public long MaxOutputBytes { get; set; } = 1L << 40;

    /// <summary>
    /// Address space of qemu-img or qemu-nbd, in bytes. 16 requests in flight and their stacks take well under half.
    /// </summary>
    [AllowedRange(64 << 20, long.MaxValue)]
    public long MaxMemoryBytes { get; set; } = 2L << 30;

    /// <summary>CPU time of one conversion. Compressing 1 TiB to streamOptimized is what takes longest.</summary>
    [AllowedDuration("00:00:01", "7.00:00:00")]
    public TimeSpan MaxCpuTime { get; set; } = TimeSpan.FromHours(4);

    /// <summary>Wall-clock time of one conversion.</summary>
    [AllowedDuration("00:00:01", "7.00:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromHours(6);

    /// <summary>CPU time, and ten times of it wall-clock time, of measuring an image before converting it.</summary>
    [AllowedDuration("00:00:01", "01:00:00")]
    public TimeSpan MeasureCpuTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The CPU limit is what ends a malicious image, this only what ends a dead disk.</summary>
    internal TimeSpan MeasureTimeout => MeasureCpuTime * 10;

    /// <summary>The tables of a disk as large as is allowed, a cache of them, and the requests in flight.</summary>
    internal long PromisedMemoryBytes => Math.Min(MaxMemoryBytes, 256 << 20);
}
