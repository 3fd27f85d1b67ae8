using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Stores.Core;

/// <summary>Section <c>Stores</c> of the configuration: writing images straight to Glance's stores.</summary>
internal sealed class StoresOptions
{
    public const string Section = "Stores";

    /// <summary>Writes to stores that run at once; the others wait their turn.</summary>
    [AllowedRange(1, 64)]
    public int MaxConcurrent { get; set; } = 4;

    /// <summary>Attempts of one write while its store does not answer, or the writing process ends.</summary>
    [AllowedRange(1, 10)]
    public int Attempts { get; set; } = 3;

    /// <summary>Longest that a write goes on without a byte that the store has taken; then it counts as not answering.</summary>
    [AllowedDuration("00:00:01", "1.00:00:00")]
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Memory that each writing process is counted with beside those of imports (Import:MaxMemoryBytes), in bytes.</summary>
    [AllowedRange(64L << 20, 1L << 40)]
    public long WriterMemoryBytes { get; set; } = 384L << 20;
}

[OptionsValidator]
internal sealed partial class StoresOptionsValidator : IValidateOptions<StoresOptions>;
