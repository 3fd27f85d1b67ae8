using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sidecar.Peers.Trust;

/// <summary>This pod's certificate with key and intermediates, and the authorities that it trusts; never changes.</summary>
/// <remarks>Not disposed: a handshake may still use it when the next one has taken its place.</remarks>
internal sealed class PeerCredentials(
    X509Certificate2 certificate, X509Certificate2Collection chain, X509Certificate2Collection authorities)
{
    public static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1");
    public static readonly Oid ClientUse = new("1.3.6.1.5.5.7.3.2");

    public X509Certificate2 Certificate { get; } = certificate;

    /// <summary>What is sent in a handshake: the certificate and its intermediates.</summary>
    public SslStreamCertificateContext Context { get; } =
        SslStreamCertificateContext.Create(certificate, chain, offline: true);

    /// <summary>How a certificate that the other side shows is checked.</summary>
    public X509ChainPolicy PolicyFor(Oid use)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // Certificates of a cluster are short-lived and have no revocation list; nothing is fetched from anywhere.
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authorities);
        policy.ApplicationPolicy.Add(use);
        return policy;
    }

    /// <summary>Whether peers with the same settings would trust it; null when they would.</summary>
    public string? Doubt(TrustRules rules)
    {
        foreach (var use in (Oid[])[ServerUse, ClientUse])
        {
            using var built = new X509Chain { ChainPolicy = PolicyFor(use) };
            built.ChainPolicy.ExtraStore.AddRange(chain);
            var errors = built.Build(Certificate) ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateChainErrors;
            if (rules.Check(Certificate, built, errors) is { Identity: null } verdict) return $"it {verdict.Refusal}";
        }

        return null;
    }
}
