using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Hosting.Configuration;

/// <summary>Section <c>Hosting</c> of the configuration: where the daemon listens and how it stops.</summary>
internal sealed class HostingOptions
{
    public const string Section = "Hosting";

    /// <summary>Address and port of the local gRPC API. Loopback only: it has no authentication of its own. Port 0
    /// lets the kernel choose.</summary>
    [AllowedPattern(
        @"^(127(\.\d{1,3}){3}|\[::1\]):\d{1,5}$|^$",
        "a loopback address and port such as 127.0.0.1:9393, or nothing")]
    public string LocalAddress { get; set; } = "127.0.0.1:9393";

    /// <summary>
    /// Unix socket of the local gRPC API, mode 0660. Empty: <c>glance-staging-sidecar/sidecar.sock</c> under
    /// <c>XDG_RUNTIME_DIR</c>, else under the user's state directory.
    /// </summary>
    [AllowedPattern("^(/.{1,106})?$", "an absolute path of at most 107 characters, or nothing")]
    public string SocketPath { get; set; } = "";

    /// <summary>Address and port of metrics, health and status over HTTP; read only. Empty: none.</summary>
    [AllowedPattern(
        @"^((\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]|\*):\d{1,5})?$",
        "an address and port such as 127.0.0.1:9395 or *:9395, or nothing")]
    public string OpsAddress { get; set; } = "127.0.0.1:9395";

    /// <summary>
    /// Address and port of the gRPC health service alone, without TLS, for the kubelet: it asks at the pod's address.
    /// Empty: none.
    /// </summary>
    [AllowedPattern(
        @"^((\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]|\*):\d{1,5})?$",
        "an address and port such as *:9396, or nothing")]
    public string HealthAddress { get; set; } = "";

    /// <summary>Connections to the socket of the local gRPC API, and as many to LocalAddress; the next one is closed at once.</summary>
    [AllowedRange(1, 100_000)]
    public int MaxLocalConnections { get; set; } = 512;

    /// <summary>Connections of peers; the next one is closed at once.</summary>
    [AllowedRange(1, 100_000)]
    public int MaxPeerConnections { get; set; } = 512;

    /// <summary>Connections to OpsAddress; the next one has the oldest one closed.</summary>
    [AllowedRange(1, 100_000)]
    public int MaxOpsConnections { get; set; } = 32;

    /// <summary>Connections to HealthAddress; the next one has the oldest one closed.</summary>
    [AllowedRange(1, 100_000)]
    public int MaxHealthConnections { get; set; } = 32;

    /// <summary>
    /// How long calls that still run may take to end after SIGTERM. Uploads and imports are told to stop at once; this
    /// is for readers. Kubernetes kills the pod 30 s after the signal unless told otherwise.
    /// </summary>
    [AllowedDuration("00:00:00", "1.00:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(10);
}

[OptionsValidator]
internal sealed partial class HostingOptionsValidator : IValidateOptions<HostingOptions>;
