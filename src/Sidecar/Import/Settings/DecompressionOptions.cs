using Sidecar.Configuration;

namespace Sidecar.Import.Settings;

/// <summary>Section <c>Import:Decompression</c>: bounds against archives that were made to fill the disk.</summary>
internal sealed class DecompressionOptions
{
    /// <summary>Most bytes that an archive may hold. As Glance's image_size_cap: 1 TiB.</summary>
    [AllowedRange(1, long.MaxValue)]
    public long MaxOutputBytes { get; set; } = 1L << 40;

    /// <summary>
    /// Most bytes that one compressed byte may become. An empty raw disk comes to 1000, a disk with a system on it to
    /// about 50; 400 keeps out archives of nothing.
    /// </summary>
    [AllowedRange(2, 100_000)]
    public int MaxRatio { get; set; } = 400;

    /// <summary>
    /// Output below which the ratio does not matter, in bytes: small images may well be mostly empty.
    /// </summary>
    [AllowedRange(0, long.MaxValue)]
    public long RatioFloorBytes { get; set; } = 1 << 30;

    /// <summary>Longest that a decompression may take. 2 hours are 1 TiB at 150 MiB/s.</summary>
    [AllowedDuration("00:00:01", "7.00:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromHours(2);
}
