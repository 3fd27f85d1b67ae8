using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Rpc.Limits;

/// <summary>Section <c>Rpc</c> of the configuration.</summary>
internal sealed class RpcOptions
{
    public const string Section = "Rpc";

    /// <summary>Largest message accepted, in bytes. gRPC's own default is 4 MiB; chunks of 1 MiB need no more.</summary>
    [AllowedRange(64 << 10, 64 << 20)]
    public int MaxMessageBytes { get; set; } = 4 << 20;

    /// <summary>
    /// Stage calls and downloads that may run at a time; the next one is refused with OVERLOADED. 0: one for each 4 MiB of memory that .NET
    /// may use, which is three quarters of the container's (48 in 256 MiB, 384 in 2 GiB), and for each six file descriptors
    /// beyond 256.
    /// </summary>
    [AllowedRange(0, 100_000)]
    public int MaxUploads { get; set; }

    /// <summary>
    /// ReadImage calls that may run at a time, those for other pods included; the next one is refused with OVERLOADED. 0: one for each
    /// 4 MiB of memory, as of uploads, and for each four file descriptors beyond 256.
    /// </summary>
    [AllowedRange(0, 100_000)]
    public int MaxReads { get; set; }
}

[OptionsValidator]
internal sealed partial class RpcOptionsValidator : IValidateOptions<RpcOptions>;
