using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Rpc;

/// <summary>Section <c>Rpc</c> of the configuration.</summary>
internal sealed class RpcOptions
{
    public const string Section = "Rpc";

    /// <summary>Largest message accepted, in bytes. gRPC's own default is 4 MiB; chunks of 1 MiB need no more.</summary>
    [AllowedRange(64 << 10, 64 << 20)]
    public int MaxMessageBytes { get; set; } = 4 << 20;
}

[OptionsValidator]
internal sealed partial class RpcOptionsValidator : IValidateOptions<RpcOptions>;
