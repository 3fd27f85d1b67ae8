using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sidecar.FunctionalTests.Infrastructure.Network;

/// <summary>A certificate authority of one test: a root, and an intermediate that issues.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _root = SelfSigned("CN=Test root");
    private readonly X509Certificate2 _intermediate;
    private readonly HashSet<string> _issued = [];

    public TestAuthority() => _intermediate = Sign(Request("CN=Test intermediate", true), _root, DateTimeOffset.UtcNow.AddYears(1));

    public string RootPem => _root.ExportCertificatePem();

    /// <summary>A certificate for these DNS names, and SPIFFE ids, and its key.</summary>
    public X509Certificate2 Issue(params string[] names) => Issue(DateTimeOffset.UtcNow.AddDays(1), names);

    public X509Certificate2 Issue(DateTimeOffset notAfter, params string[] names)
    {
        var request = Request("CN=a peer", false);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (name.Contains("://", StringComparison.Ordinal)) alternatives.AddUri(new Uri(name));
            else alternatives.AddDnsName(name);
        }

        request.Request.CertificateExtensions.Add(alternatives.Build());
        var certificate = Sign(request, _intermediate, notAfter);
        _issued.Add(certificate.Thumbprint);
        return certificate;
    }

    public bool Issued(X509Certificate2 certificate) => _issued.Contains(certificate.Thumbprint);

    /// <summary>The certificate as it is sent, with the intermediate.</summary>
    public string ChainPem(X509Certificate2 certificate) =>
        certificate.ExportCertificatePem() + "\n" + _intermediate.ExportCertificatePem() + "\n";

    public static string KeyPem(X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    /// <summary>What a TLS stream needs to send the certificate with its intermediate.</summary>
    public System.Net.Security.SslStreamCertificateContext Context(X509Certificate2 certificate) =>
        System.Net.Security.SslStreamCertificateContext.Create(certificate, [_intermediate], offline: true);

    public void Dispose()
    {
        _root.Dispose();
        _intermediate.Dispose();
    }

    private static (CertificateRequest Request, ECDsa Key) Request(string subject, bool authority)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return (request, key);
    }

    private static X509Certificate2 SelfSigned(string subject)
    {
        var (request, _) = Request(subject, true);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddYears(2));
    }

    private static X509Certificate2 Sign((CertificateRequest Request, ECDsa Key) leaf, X509Certificate2 issuer, DateTimeOffset notAfter)
    {
        // By key, as every authority here has the same name: one that is renewed keeps its own.
        leaf.Request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, true, false));
        using var signed = leaf.Request.Create(
            issuer, DateTimeOffset.UtcNow.AddDays(-8), notAfter, RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(leaf.Key);
    }
}
