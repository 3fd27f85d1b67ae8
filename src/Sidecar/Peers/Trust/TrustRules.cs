using System.Formats.Asn1;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Trust;

/// <summary>
/// Which certificates are peers': those of the configured authorities, valid now and for this use, with a SPIFFE id
/// that is listed, or without a list a DNS name below the trusted suffix.
/// </summary>
/// <remarks>
/// A peer is not tied to one name among those: all pods of the Service may read and take over each other's images, so
/// it would keep nobody out. A wildcard name counts as any other.
/// </remarks>
internal sealed class TrustRules(PeersOptions options)
{
    // A wrong signature: of another authority with the name of a trusted one.
    private const X509ChainStatusFlags NotTheirs = X509ChainStatusFlags.PartialChain
        | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid;

    private readonly string _suffix = SuffixOf(options);
    private readonly HashSet<string> _ids = [.. options.TrustedSpiffeIds];

    /// <summary>Empty when nothing says what to trust.</summary>
    public static string SuffixOf(PeersOptions options)
    {
        if (options.TrustedSuffix.Length > 0) return options.TrustedSuffix.TrimEnd('.');
        return options.Service.Length > 0 ? "." + options.Service.TrimEnd('.') : "";
    }

    /// <param name="certificate">What the other side showed; null when it showed nothing.</param>
    /// <param name="chain">Built with the policy of the authorities.</param>
    /// <param name="errors">Of these the name's mismatch does not count: another rule takes its place.</param>
    public Verdict Check(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null || chain is null) return Verdict.Refused("shows no certificate");
        try
        {
            return errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)
                ? Verdict.Refused(Explain(certificate, chain)) : Identify(certificate);
        }
        catch (Exception malformed) when (malformed is CryptographicException or AsnContentException)
        {
            return Verdict.Refused("shows a certificate whose names cannot be read");
        }
    }

    private Verdict Identify(X509Certificate2 certificate)
    {
        if (_ids.Count > 0)
        {
            // A SPIFFE certificate has one URI. With more of them it would be a matter of taste which one it is of.
            return CertificateNames.Uris(certificate) is [var id] && _ids.Contains(id)
                ? Verdict.Trusted(id) : Unexpected(certificate, string.Join(" or ", _ids));
        }

        // Without a suffix nothing is trusted, rather than everything.
        var name = CertificateNames.Dns(certificate).FirstOrDefault(name =>
            _suffix.Length > 0 && name.Length > _suffix.Length && name.EndsWith(_suffix, StringComparison.OrdinalIgnoreCase));
        return name is not null ? Verdict.Trusted(name) : Unexpected(certificate, "*" + _suffix);
    }

    private static Verdict Unexpected(X509Certificate2 certificate, string expected) =>
        Verdict.Refused($"shows a certificate for {CertificateNames.Shown(certificate)}, not for {expected}");

    private static string Explain(X509Certificate2 certificate, X509Chain chain)
    {
        var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
        var certificateOf = $"shows a certificate for {CertificateNames.Shown(certificate)} that";
        if ((status & NotTheirs) != 0)
        {
            var issuer = PeerText.OneLine(certificate.Issuer);
            return $"{certificateOf} comes from none of the trusted authorities, but from {issuer}";
        }

        if (status.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            var (from, until) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
            return $"{certificateOf} is valid from {from:u} to {until:u}, it or its authority not now";
        }

        return status.HasFlag(X509ChainStatusFlags.NotValidForUsage)
            ? $"{certificateOf} is not for this use (extended key usage)" : $"{certificateOf} is not valid: {status}";
    }
}
