using Microsoft.Extensions.Options;
using Sidecar.Configuration;

namespace Sidecar.Ingest.Core;

/// <summary>Section <c>Ingest</c> of the configuration: a door in front of glance-api, through which uploads come without Python.</summary>
internal sealed class IngestOptions
{
    public const string Section = "Ingest";

    /// <summary>
    /// Where users' requests come in: the absolute path of a Unix socket (mode 0660), or an address and port. Other than on
    /// loopback it needs a certificate. Empty: none.
    /// </summary>
    [AllowedPattern(
        @"^(/.{1,106}|(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]|\*):\d{1,5})?$",
        "an absolute path of at most 107 characters, an address and port such as 127.0.0.1:9292, or nothing")]
    public string Address { get; set; } = "";

    /// <summary>
    /// Where the pod's glance-api listens, to which everything is passed: an http URL without a path, or the absolute path of a
    /// Unix socket.
    /// </summary>
    [AllowedPattern(
        @"^(http://[A-Za-z0-9._\[\]:-]+/?|/.{1,106})?$",
        "an http URL without a path such as http://127.0.0.1:9293, the absolute path of a Unix socket, or nothing")]
    public string Upstream { get; set; } = "";

    /// <summary>Certificate of Address with its intermediates, PEM. Read again when it changes.</summary>
    [AllowedPattern("^(/.*)?$", "an absolute path, or nothing")]
    public string CertificateFile { get; set; } = "";

    /// <summary>Private key of the certificate, PEM. Read again when it changes.</summary>
    [AllowedPattern("^(/.*)?$", "an absolute path, or nothing")]
    public string KeyFile { get; set; } = "";

    /// <summary>Connections to Address; the next one is closed at once.</summary>
    [AllowedRange(1, 100_000)]
    public int MaxConnections { get; set; } = 512;

    /// <summary>
    /// How long glance-api may take until it asks for the bytes of an upload. An upload that has to wait for a thread of Glance's
    /// waits that long; one that Glance asks for later is refused.
    /// </summary>
    [AllowedDuration("00:00:01", "1.00:00:00")]
    public TimeSpan TicketLifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest that a connection to glance-api may take to open.</summary>
    [AllowedDuration("00:00:00.100", "00:01:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Longest that glance-api, or the client of a request that is passed on, may be silent. Not counted while an upload is
    /// received: Staging:IdleTimeout holds then.
    /// </summary>
    [AllowedDuration("00:00:01", "1.00:00:00")]
    public TimeSpan SilenceTimeout { get; set; } = TimeSpan.FromMinutes(5);

    internal bool Enabled => Address.Length > 0;

    internal bool OnSocket => Address.StartsWith('/');

    internal bool Encrypted => CertificateFile.Length > 0;
}

[OptionsValidator]
internal sealed partial class IngestOptionsValidator : IValidateOptions<IngestOptions>;
