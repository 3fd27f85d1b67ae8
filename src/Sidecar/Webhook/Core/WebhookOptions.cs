using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Webhook.Core;

/// <summary>
/// Section <c>Webhook</c> of the configuration: the admission webhook that puts the sidecar into pods, which is a mode of its own
/// (<c>glance-staging-sidecar webhook</c>). The daemon beside Glance uses none of these.
/// </summary>
internal sealed class WebhookOptions
{
    public const string Section = "Webhook";

    /// <summary>Address and port where API servers ask, with TLS. Port 0 lets the kernel choose, for tests.</summary>
    [AllowedPattern(
        @"^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]|\*):\d{1,5}$", "an address and port such as *:9443 or 10.0.0.7:9443")]
    public string Address { get; set; } = "*:9443";

    /// <summary>Address and port of metrics and health over HTTP.</summary>
    [AllowedPattern(
        @"^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]|\*):\d{1,5}$", "an address and port such as *:9395 or 127.0.0.1:9395")]
    public string OpsAddress { get; set; } = "127.0.0.1:9395";

    /// <summary>The webhook's certificate with its intermediates, PEM. Read again when it changes.</summary>
    [AllowedPattern("^(/.*)?$", "an absolute path")]
    public string CertificateFile { get; set; } = "";

    /// <summary>Private key of the certificate, PEM. Read again when it changes.</summary>
    [AllowedPattern("^(/.*)?$", "an absolute path")]
    public string KeyFile { get; set; } = "";

    /// <summary>What is put into pods, JSON. The chart writes it.</summary>
    [AllowedPattern("^(/.*)?$", "an absolute path")]
    public string InjectionFile { get; set; } = "";

    /// <summary>Connections of API servers, and of others, to Address; the next one has the oldest one closed.</summary>
    [AllowedRange(1, 100_000)]
    public int MaxConnections { get; set; } = 256;
}

[OptionsValidator]
internal sealed partial class WebhookOptionsValidator : IValidateOptions<WebhookOptions>;
