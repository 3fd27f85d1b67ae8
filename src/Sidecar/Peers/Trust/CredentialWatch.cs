using Microsoft.Extensions.Options;
using Sidecar.Background;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Trust;

/// <summary>
/// The credentials in use, which follow their files: a Secret's volume changes below the daemon. New handshakes use the
/// new ones; connections that are open stay as they are. Files that cannot be used change nothing.
/// </summary>
internal sealed class CredentialWatch : PeriodicService
{
    private readonly PeersOptions _options;
    private readonly TrustRules _rules;
    private readonly ILogger<CredentialWatch> _logger;
    private volatile PeerCredentials? _current;
    private CredentialFiles? _seen;
    private string? _complaint;

    public CredentialWatch(
        IOptions<PeersOptions> options, TrustRules rules, LoopHealth loops, TimeProvider clock, ILogger<CredentialWatch> logger)
        // Contents are compared, which no kind of volume can hide behind a link or a time stamp; they are a few kilobytes.
        : base("credentials", TimeSpan.FromSeconds(1), FirstRound.AfterTheInterval, loops, clock)
    {
        (_options, _rules, _logger) = (options.Value, rules, logger);
        if (!_options.Encrypted) return;
        _seen = new CredentialFiles(_options);
        Take(_seen.Parse());
    }

    /// <summary>Null when peers talk without TLS.</summary>
    public PeerCredentials? Current => _current;

    protected override bool IsNeeded => _options.Encrypted;

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
        catch
        {
            _seen = null; // whatever it was: they are looked at again in the next round
            throw;
        }
    }

    protected override Task RoundAsync(CancellationToken stoppingToken)
    {
        Refresh();
        return Task.CompletedTask;
    }

    private void Take(PeerCredentials credentials)
    {
        _current = credentials;
        PeersLog.CredentialsTaken(
            _logger, CertificateNames.Shown(credentials.Certificate), credentials.Certificate.NotAfter.ToUniversalTime());
        if (credentials.Doubt(_rules) is { } doubt) PeersLog.OwnCertificateUntrusted(_logger, doubt);
    }
}
