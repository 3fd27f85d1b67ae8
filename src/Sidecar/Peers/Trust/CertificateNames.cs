using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Trust;

/// <summary>The names that a certificate is for: its subject alternative names. The common name does not count.</summary>
internal static class CertificateNames
{
    // uniformResourceIdentifier [6] IA5String, RFC 5280 section 4.2.1.6
    private static readonly Asn1Tag Uri = new(TagClass.ContextSpecific, 6);

    public static IReadOnlyList<string> Dns(X509Certificate2 certificate) =>
        [.. Extension(certificate)?.EnumerateDnsNames() ?? []];

    /// <exception cref="AsnContentException">The extension is not what it says it is.</exception>
    public static IReadOnlyList<string> Uris(X509Certificate2 certificate)
    {
        var uris = new List<string>();
        if (Extension(certificate) is not { } extension) return uris;
        var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            if (names.PeekTag() == Uri) uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, Uri));
            else names.ReadEncodedValue();
        }

        return uris;
    }

    /// <summary>All of them for a person; the subject when there are none, or when they cannot be read.</summary>
    public static string Shown(X509Certificate2 certificate)
    {
        try
        {
            var names = Dns(certificate).Concat(Uris(certificate)).ToList();
            return PeerText.OneLine(names.Count > 0 ? string.Join(", ", names) : certificate.Subject);
        }
        catch (Exception failure) when (failure is AsnContentException or CryptographicException)
        {
            // Whether to trust it is TrustRules' to say, which refuses it for the same reason.
            return PeerText.OneLine(certificate.Subject);
        }
    }

    private static X509SubjectAlternativeNameExtension? Extension(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
}
