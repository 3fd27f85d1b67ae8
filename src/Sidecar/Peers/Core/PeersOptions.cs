using System.Globalization;
using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Peers.Core;

/// <summary>Section <c>Peers</c> of the configuration: the other pods' sidecars, and how they trust each other.</summary>
internal sealed class PeersOptions
{
    public const string Section = "Peers";

    /// <summary>
    /// DNS name of the headless Service whose members are the peers, such as glance-staging.openstack.svc. Its SRV
    /// records are asked for first, then its addresses.
    /// </summary>
    [AllowedPattern(@"^([A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9.])?)?$", "a DNS name, or nothing")]
    public string Service { get; set; } = "";

    /// <summary>Name of the Service's port, of which the SRV records are.</summary>
    [AllowedPattern("^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$", "the name of a Service port, lower case, at most 15 characters")]
    public string PortName { get; set; } = "peer";

    /// <summary>Port of peers that only have address records.</summary>
    [AllowedRange(1, 65535)]
    public int Port { get; set; } = 9394;

    /// <summary>
    /// DNS server to ask, as address and port; names are then asked for as they are. Empty: those of the system, with
    /// its search domains.
    /// </summary>
    [AllowedPattern(
        @"^((\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):\d{1,5})?$", "an address and port such as 10.96.0.10:53, or nothing")]
    public string DnsServer { get; set; } = "";

    /// <summary>The peers, instead of a Service: <c>name=host:port</c>, or <c>host:port</c>.</summary>
    public List<string> Static { get; set; } = [];

    /// <summary>
    /// Address and port of the peer listener, once peers are configured. Port 0 lets the kernel choose, for tests.
    /// </summary>
    [AllowedPattern(
        @"^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]|\*):\d{1,5}$", "an address and port such as *:9394 or 10.0.0.7:9394")]
    public string Address { get; set; } = "*:9394";

    /// <summary>Port of <see cref="Address"/>.</summary>
    public int ListenerPort() => int.Parse(Address.AsSpan(Address.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);

    /// <summary>This pod's certificate with its intermediates, PEM. Read again when it changes.</summary>
    [AllowedPattern("^(/.*)?$", "an absolute path, or nothing")]
    public string CertificateFile { get; set; } = "";

    /// <summary>Private key of the certificate, PEM. Read again when it changes.</summary>
    [AllowedPattern("^(/.*)?$", "an absolute path, or nothing")]
    public string KeyFile { get; set; } = "";

    /// <summary>Root authorities that peers' certificates must come from, PEM. Read again when it changes.</summary>
    [AllowedPattern("^(/.*)?$", "an absolute path, or nothing")]
    public string AuthorityFile { get; set; } = "";

    /// <summary>
    /// A peer's certificate must have a DNS name that ends with this, such as .glance-staging.openstack.svc. Empty:
    /// a dot and <c>Service</c>.
    /// </summary>
    [AllowedPattern(@"^(\.[A-Za-z0-9.-]{1,252})?$", "a dot and a DNS name, or nothing")]
    public string TrustedSuffix { get; set; } = "";

    /// <summary>Peers' SPIFFE ids, exactly; when given, they are asked for instead of a DNS name.</summary>
    public List<string> TrustedSpiffeIds { get; set; } = [];

    /// <summary>Peers talk without TLS. Only with a loopback <c>Address</c>, for trying out and for tests.</summary>
    public bool AllowPlaintext { get; set; }

    /// <summary>How often the Service's records are looked up again.</summary>
    [AllowedDuration("00:00:00.100", "01:00:00")]
    public TimeSpan ResolveInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a peer is asked whether it is there.</summary>
    [AllowedDuration("00:00:00.100", "01:00:00")]
    public TimeSpan ProbeInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest that a connection to a peer may take to open, and a peer to be silent on an open one.</summary>
    [AllowedDuration("00:00:00.100", "00:01:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long all peers together have to say whether they have an image.</summary>
    [AllowedDuration("00:00:00.100", "00:01:00")]
    public TimeSpan LocateTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long a forwarded import, read or output transfer whose connection broke tries to reach the owner again
    /// before the caller is told.
    /// </summary>
    [AllowedDuration("00:00:00", "01:00:00")]
    public TimeSpan ReattachTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A peer whose record is gone may still own images, so that "nowhere" cannot be said without it; after this time
    /// it is forgotten. One that left with nothing behind is forgotten at once.
    /// </summary>
    [AllowedDuration("00:00:00", "365.00:00:00")]
    public TimeSpan ForgetAfter { get; set; } = TimeSpan.FromDays(1);

    /// <summary>An older copy of an image is removed this long after a newer one was found on another pod.</summary>
    [AllowedDuration("00:00:00", "7.00:00:00")]
    public TimeSpan DuplicateDelay { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a deletion is remembered for peers that were not there when it was asked for.</summary>
    [AllowedDuration("00:01:00", "365.00:00:00")]
    public TimeSpan TombstoneRetention { get; set; } = TimeSpan.FromDays(14);

    /// <summary>
    /// How long a drain waits for running uploads and imports when its caller does not say. It has to fit, with the
    /// time that handing over takes, into the pod's terminationGracePeriodSeconds.
    /// </summary>
    [AllowedDuration("00:00:00", "1.00:00:00")]
    public TimeSpan DrainGrace { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether this pod has peers at all.</summary>
    internal bool Enabled => Service.Length > 0 || Static.Count > 0;

    /// <summary>Whether peers talk TLS.</summary>
    internal bool Encrypted => Enabled && !AllowPlaintext;
}

[OptionsValidator]
internal sealed partial class PeersOptionsValidator : IValidateOptions<PeersOptions>;
