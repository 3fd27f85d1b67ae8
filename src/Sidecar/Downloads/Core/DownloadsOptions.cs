using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Downloads.Core;

/// <summary>Section <c>Downloads</c> of the configuration: images that the daemon fetches from web servers.</summary>
internal sealed class DownloadsOptions
{
    public const string Section = "Downloads";

    /// <summary>Connections of one download, where the server sends parts of a file. 1: no parts.</summary>
    [AllowedRange(1, 16)]
    public int Connections { get; set; } = 4;

    /// <summary>Size of such a part, in bytes: large enough that a request for each costs little.</summary>
    [AllowedRange(64 << 10, 64 << 20)]
    public int SegmentBytes { get; set; } = 4 << 20;

    /// <summary>
    /// Memory of all downloads together for parts that arrive before those in front of them, in bytes. Where none is left a
    /// download goes on with one connection.
    /// </summary>
    [AllowedRange(0, 1L << 40)]
    public long ReadAheadBytes { get; set; } = 48 << 20;

    /// <summary>Attempts in a row that get nowhere, after which a download has failed.</summary>
    [AllowedRange(1, 100)]
    public int Attempts { get; set; } = 5;

    /// <summary>
    /// Wait before the second attempt; each further one waits twice as long as the one before, and all of them as long as a server
    /// asks for that is busy (<c>Retry-After</c> of 429 and 503), up to 30 seconds.
    /// </summary>
    [AllowedDuration("00:00:00.0010000", "00:00:30")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest that a connection to a server may take to be made, TLS included.</summary>
    [AllowedDuration("00:00:00.1000000", "00:05:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Longest that a server may take to answer, and later be silent, or send less than 256 KiB in ten times that; then the
    /// attempt has failed.
    /// </summary>
    [AllowedDuration("00:00:00.1000000", "01:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Redirects that are followed, one after the other.</summary>
    [AllowedRange(0, 50)]
    public int MaxRedirects { get; set; } = 10;
}

[OptionsValidator]
internal sealed partial class DownloadsOptionsValidator : IValidateOptions<DownloadsOptions>;
