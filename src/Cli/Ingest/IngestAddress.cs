using System.Diagnostics.CodeAnalysis;

namespace Stagectl.Ingest;

/// <summary>Where users reach Glance: the base of its URLs, as the catalog has it. The sidecar's ingest is in front of it there.</summary>
internal sealed class IngestAddress
{
    public const string Forms = "https://host, https://host:port or https://host/prefix";

    private readonly Uri _url;
    private readonly string _prefix;

    private IngestAddress(Uri url)
    {
        _url = url;
        var path = url.AbsolutePath.TrimEnd('/');
        // Some catalogs name the version as well.
        _prefix = path.EndsWith("/v2", StringComparison.Ordinal) ? path[..^3] : path;
    }

    public string Host => _url.IdnHost;

    public int Port => _url.Port;

    public bool IsEncrypted => _url.Scheme == Uri.UriSchemeHttps;

    public bool IsLoopback => _url.IsLoopback;

    /// <summary>For the header <c>Host</c>.</summary>
    public string Authority
    {
        get
        {
            var host = _url.HostNameType == UriHostNameType.IPv6 ? $"[{Host}]" : Host;
            return _url.IsDefaultPort ? host : $"{host}:{Port}";
        }
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out IngestAddress? address)
    {
        var isOne = Uri.TryCreate(text, UriKind.Absolute, out var url)
            && url.Scheme is "http" or "https"
            && url.UserInfo.Length + url.Query.Length + url.Fragment.Length == 0;
        address = isOne ? new IngestAddress(url!) : null;
        return isOne;
    }

    /// <summary>The path of an image, as requests have it.</summary>
    public string PathOf(string imageId) => $"{_prefix}/v2/images/{imageId}";

    public override string ToString() => $"{_url.Scheme}://{Authority}{_prefix}";
}
