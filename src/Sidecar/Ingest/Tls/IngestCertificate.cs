using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;
using Sidecar.Ingest.Core;

namespace Sidecar.Ingest.Tls;

/// <summary>
/// The certificate that users are shown. It follows its files: at most once a second a handshake looks whether they have other
/// contents, as a Secret's volume changes below the daemon. Files that cannot be used change nothing.
/// </summary>
internal sealed class IngestCertificate(
    IOptions<IngestOptions> options, TimeProvider clock, ILogger<IngestCertificate> logger)
{
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Loaded? _loaded;
    private DateTimeOffset _looked;
    private string? _complaint;

    /// <exception cref="IngestCertificateException">There never was one that could be used.</exception>
    public SslStreamCertificateContext Current
    {
        get
        {
            lock (_lock)
            {
                var now = clock.GetUtcNow();
                if (_loaded is null || now - _looked >= LookAgainAfter) Look(now);
                return _loaded!.Context;
            }
        }
    }

    /// <exception cref="IngestCertificateException">The files cannot be read, or do not belong together.</exception>
    public static SslStreamCertificateContext Read(IngestOptions options) => Load(options, null).Context;

    private void Look(DateTimeOffset now)
    {
        _looked = now;
        try
        {
            _loaded = Load(options.Value, _loaded);
            _complaint = null;
        }
        catch (IngestCertificateException failure) when (_loaded is not null)
        {
            if (failure.Message != _complaint) IngestLog.CertificateKept(logger, failure.Message);
            _complaint = failure.Message;
        }
    }

    private static Loaded Load(IngestOptions options, Loaded? before)
    {
        try
        {
            var (chainPem, keyPem) = (File.ReadAllText(options.CertificateFile), File.ReadAllText(options.KeyFile));
            if (before is not null && before.ChainPem == chainPem && before.KeyPem == keyPem) return before;
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(chainPem);
            var certificate = X509Certificate2.CreateFromPem(chainPem, keyPem);
            chain.RemoveAt(0);
            return new Loaded(chainPem, keyPem, SslStreamCertificateContext.Create(certificate, chain, offline: true));
        }
        catch (Exception failure) when (
            failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new IngestCertificateException(
                $"Ingest:CertificateFile is '{options.CertificateFile}' and Ingest:KeyFile '{options.KeyFile}'; allowed: a PEM "
                + $"certificate with its intermediates, and its private key in PEM without a password ({failure.Message}).",
                failure);
        }
    }

    private sealed record Loaded(string ChainPem, string KeyPem, SslStreamCertificateContext Context);
}
