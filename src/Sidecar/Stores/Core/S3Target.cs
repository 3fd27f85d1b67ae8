using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;

namespace Sidecar.Stores.Core;

/// <summary>A bucket of an S3 server, as Glance's s3 driver is configured for it. Its text never has the keys.</summary>
/// <param name="Endpoint">URL of the server.</param>
/// <param name="Region">Empty: us-east-1.</param>
/// <param name="IsVirtualHosted">The bucket is in the host's name, and not in the path.</param>
/// <param name="CaCertificates">PEM; they alone are trusted. Empty: those of this container.</param>
/// <param name="CreatesBucket">A bucket that is missing is made.</param>
internal sealed partial record S3Target(
    string Endpoint,
    string AccessKey,
    string SecretKey,
    string Bucket,
    string Region,
    bool IsVirtualHosted,
    string CaCertificates,
    bool CreatesBucket) : StoreTarget
{
    /// <summary>The scheme of its locations.</summary>
    public const string Scheme = "s3";

    private const int MaxKeyChars = 1024;
    private const int MaxCertificateChars = 1 << 20;

    public override string Kind => Scheme;

    public override void Check()
    {
        if (!IsEndpoint(Endpoint))
        {
            throw Invalid("s3.endpoint", "must be http:// or https://, a host, and nothing else but a port and a path");
        }

        if (!IsKey(AccessKey)) throw Invalid("s3.access_key", $"must be 1 to {MaxKeyChars} characters of ASCII");
        if (!IsKey(SecretKey)) throw Invalid("s3.secret_key", $"must be 1 to {MaxKeyChars} characters of ASCII");
        if (!BucketName().IsMatch(Bucket)) throw Invalid("s3.bucket", "must be 3 to 255 letters, digits, dots, hyphens and underscores");
        if (!RegionName().IsMatch(Region)) throw Invalid("s3.region", "must be up to 64 letters, digits and hyphens");
        if (CaCertificates.Length > 0 && !IsCertificates(CaCertificates))
        {
            throw Invalid("s3.ca_certificates", $"must be certificates as PEM, of up to {MaxCertificateChars} characters");
        }
    }

    // A record would print the keys too.
    protected override bool PrintMembers(StringBuilder builder)
    {
        builder.Append(nameof(Endpoint)).Append(" = ").Append(Endpoint).Append(", ").Append(nameof(Bucket)).Append(" = ").Append(Bucket);
        return true;
    }

    private static bool IsEndpoint(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
        && uri is { UserInfo: "", Query: "", Fragment: "", Host.Length: > 0 } && !text.Any(char.IsControl);

    private static bool IsKey(string text) => text.Length is > 0 and <= MaxKeyChars && text.All(c => c is > ' ' and <= '~');

    private static bool IsCertificates(string text)
    {
        if (text.Length > MaxCertificateChars) return false;
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(text);
            foreach (var certificate in certificates) certificate.Dispose();
            return certificates.Count > 0;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static StoreException Invalid(string field, string what) =>
        new(StoreError.InvalidRequest, $"{field} {what}.", ("field", field));

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{3,255}\z")]
    private static partial Regex BucketName();

    [GeneratedRegex(@"\A[A-Za-z0-9-]{0,64}\z")]
    private static partial Regex RegionName();
}
