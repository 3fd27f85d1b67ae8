using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sidecar.Peers.Core;

namespace Sidecar.Tests.Peers;

/// <summary>A certificate, its key and the root that issued it.</summary>
internal sealed record Certificates(X509Certificate2 Root, X509Certificate2 Leaf) : IDisposable
{
    public string KeyPem => Leaf.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    /// <param name="uses">Extended key usages; none: the extension is left out.</param>
    public static Certificates Issue(string[] names, params string[] uses)
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var root = new CertificateRequest("CN=Root", rootKey, HashAlgorithmName.SHA256);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var authority = root.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leaf = new CertificateRequest("CN=Leaf", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        alternatives.AddIpAddress(System.Net.IPAddress.Loopback);
        foreach (var name in names.Where(name => !name.Contains(':', StringComparison.Ordinal))) alternatives.AddDnsName(name);
        foreach (var name in names.Where(name => name.Contains(':', StringComparison.Ordinal))) alternatives.AddUri(new Uri(name));
        leaf.CertificateExtensions.Add(alternatives.Build());
        if (uses.Length > 0)
            leaf.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. uses.Select(use => new Oid(use))], false));
        using var signed = leaf.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]);
        return new Certificates(authority, signed.CopyWithPrivateKey(key));
    }

    public PeersOptions WriteTo(string directory, PeersOptions options)
    {
        options.CertificateFile = Path.Combine(directory, "tls.crt");
        options.KeyFile = Path.Combine(directory, "tls.key");
        options.AuthorityFile = Path.Combine(directory, "ca.crt");
        File.WriteAllText(options.CertificateFile, Leaf.ExportCertificatePem());
        File.WriteAllText(options.KeyFile, KeyPem);
        File.WriteAllText(options.AuthorityFile, Root.ExportCertificatePem());
        return options;
    }

    public void Dispose()
    {
        Root.Dispose();
        Leaf.Dispose();
    }
}
