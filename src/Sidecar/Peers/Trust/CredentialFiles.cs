using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Trust;

/// <summary>What lies in the three PEM files at one moment.</summary>
internal sealed class CredentialFiles
{
    private readonly PeersOptions _options;
    private readonly string _certificate;
    private readonly string _key;
    private readonly string _authorities;

    /// <summary>Reads them.</summary>
    /// <exception cref="CredentialException">One cannot be read.</exception>
    public CredentialFiles(PeersOptions options)
    {
        _options = options;
        _certificate = Read(nameof(options.CertificateFile), options.CertificateFile);
        _key = Read(nameof(options.KeyFile), options.KeyFile);
        _authorities = Read(nameof(options.AuthorityFile), options.AuthorityFile);
    }

    public bool Same(CredentialFiles? other) => other is not null && _certificate == other._certificate
        && _key == other._key && _authorities == other._authorities;

    /// <exception cref="CredentialException">One of them is not what it should be, or they do not belong together.</exception>
    public PeerCredentials Parse()
    {
        var chain = Import(nameof(_options.CertificateFile), _options.CertificateFile, _certificate);
        var authorities = Import(nameof(_options.AuthorityFile), _options.AuthorityFile, _authorities);
        if (!authorities.Any(authority => authority.SubjectName.RawData.SequenceEqual(authority.IssuerName.RawData)))
        {
            throw new CredentialException(
                nameof(_options.AuthorityFile), _options.AuthorityFile, "PEM certificates of authorities, a root among them");
        }

        var certificate = WithKey();
        chain.RemoveAt(0);
        return new PeerCredentials(certificate, chain, authorities);
    }

    private X509Certificate2 WithKey()
    {
        try
        {
            return X509Certificate2.CreateFromPem(_certificate, _key);
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            throw new CredentialException(
                nameof(_options.KeyFile), _options.KeyFile,
                $"the private key of {_options.CertificateFile}, PEM without a password", failure);
        }
    }

    private static X509Certificate2Collection Import(string key, string path, string text)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(text);
        }
        catch (CryptographicException failure)
        {
            throw new CredentialException(key, path, "PEM certificates", failure);
        }

        return certificates.Count > 0 ? certificates : throw new CredentialException(key, path, "PEM certificates; it has none");
    }

    private static string Read(string key, string path)
    {
        try
        {
            return File.ReadAllText(path, Encoding.ASCII);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CredentialException(key, path, "the absolute path of a PEM file that can be read", failure);
        }
    }
}
