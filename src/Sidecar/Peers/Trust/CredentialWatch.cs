using Microsoft.Extensions.Options;

namespace Sidecar.Peers.Trust;

/// <summary>
/// The credentials in use, which follow their files: a Secret's volume changes below the daemon. New handshakes use the
/// new ones; connections that are open stay as they are. Files that cannot be used change nothing.
/// </summary>
internal sealed class CredentialWatch : BackgroundService
{
    // Contents are compared, which no kind of volume can hide behind a link or a time stamp; they are a few kilobytes.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly PeersOptions _options;
    private readonly TrustRules _rules;
    private readonly TimeProvider _clock;
    private readonly ILogger<CredentialWatch> _logger;
    private volatile PeerCredentials? _current;
    private CredentialFiles? _seen;
    private string? _complaint;

    public CredentialWatch(
        IOptions<PeersOptions> options, TrustRules rules, TimeProvider clock, ILogger<CredentialWatch> logger)
    {
        (_options, _rules, _clock, _logger) = (options.Value, rules, clock, logger);
        if (!_options.Encrypted) return;
        _seen = new CredentialFiles(_options);
        Take(_seen.Parse());
    }

    /// <summary>Null when peers talk without TLS.</summary>
    public PeerCredentials? Current => _current;

    /// <summary>Takes what the files have now, when that is another and can be used.</summary>
    public void Refresh()
    {
        try
        {
            var files = new CredentialFiles(_options);
            if (files.Same(_seen)) return;
            _seen = files;
            Take(files.Parse());
            _complaint = null;
        }
        catch (CredentialException failure)
        {
            if (failure.Message == _complaint) return;
            _complaint = failure.Message;
            PeersLog.CredentialsRefused(_logger, failure.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!_options.Encrypted) return;
        using var timer = new PeriodicTimer(Interval, _clock);
        while (await timer.WaitForNextTickAsync(stoppingToken)) Refresh();
    }

    private void Take(PeerCredentials credentials)
    {
        _current = credentials;
        PeersLog.CredentialsTaken(
            _logger, CertificateNames.Shown(credentials.Certificate), credentials.Certificate.NotAfter.ToUniversalTime());
        if (credentials.Doubt(_rules) is { } doubt) PeersLog.OwnCertificateUntrusted(_logger, doubt);
    }
}
