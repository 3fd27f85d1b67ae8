using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Options;
using Sidecar.Background;

namespace Sidecar.Webhook.Core;

/// <summary>
/// The certificate that API servers are shown, which follows its files: a Secret's volume changes below the process. New
/// handshakes use the new one. Files that cannot be used change nothing, and are complained about once.
/// </summary>
internal sealed class ServingCertificate : PeriodicService
{
    private readonly WebhookOptions _options;
    private readonly ILogger<ServingCertificate> _logger;
    private volatile SslStreamCertificateContext _current;
    private (string Certificate, string Key) _seen;
    private string? _complaint;

    /// <exception cref="InvalidDataException">The files cannot be used.</exception>
    public ServingCertificate(
        IOptions<WebhookOptions> options, LoopHealth loops, TimeProvider clock, ILogger<ServingCertificate> logger)
        // Contents are compared, which no kind of volume can hide behind a link or a time stamp; they are a few kilobytes.
        : base("certificate", TimeSpan.FromSeconds(1), FirstRound.AfterTheInterval, loops, clock)
    {
        (_options, _logger) = (options.Value, logger);
        _seen = Read();
        _current = Parse(_seen);
        Tell();
    }

    public SslStreamCertificateContext Current => _current;

    /// <summary>Takes what the files have now, when that is another and can be used.</summary>
    public void Refresh()
    {
        try
        {
            var files = Read();
            if (files == _seen) return;
            // A Secret's volume changes both files at once, but they are read one after another: a pair that does not belong
            // together is looked at again in the next round, as it is not remembered.
            _current = Parse(files);
            (_seen, _complaint) = (files, null);
            Tell();
        }
        catch (InvalidDataException failure) when (failure.Message == _complaint)
        {
            // Said before.
        }
        catch (InvalidDataException failure)
        {
            _complaint = failure.Message;
            WebhookLog.CertificateRefused(_logger, failure.Message);
        }
    }

    protected override Task RoundAsync(CancellationToken stoppingToken)
    {
        Refresh();
        return Task.CompletedTask;
    }

    private void Tell() => WebhookLog.CertificateTaken(
        _logger, _current.TargetCertificate.Subject, _current.TargetCertificate.NotAfter.ToUniversalTime());

    private (string Certificate, string Key) Read() => (
        Read(nameof(_options.CertificateFile), _options.CertificateFile), Read(nameof(_options.KeyFile), _options.KeyFile));

    private SslStreamCertificateContext Parse((string Certificate, string Key) files)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(files.Certificate);
            if (chain.Count > 0) chain.RemoveAt(0);
            return SslStreamCertificateContext.Create(
                X509Certificate2.CreateFromPem(files.Certificate, files.Key), chain, offline: true);
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException(
                $"Webhook:CertificateFile is '{_options.CertificateFile}' and Webhook:KeyFile is '{_options.KeyFile}'; allowed: a PEM "
                + "certificate with its intermediates, and its private key, PEM without a password.", failure);
        }
    }

    private static string Read(string key, string path)
    {
        try
        {
            return File.ReadAllText(path, Encoding.ASCII);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidDataException($"Webhook:{key} is '{path}'; allowed: the absolute path of a PEM file that can be read.", failure);
        }
    }
}
