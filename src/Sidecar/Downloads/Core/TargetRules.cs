using System.Net;

namespace Sidecar.Downloads.Core;

/// <summary>
/// Which servers a download may ask: Glance's <c>[import_filtering_opts]</c>, held against every URL, and against the very
/// address that a connection is made to, so that a name which resolves to another one later, or on purpose, gains nothing.
/// </summary>
internal sealed class TargetRules(
    IReadOnlyList<string> allowedSchemes, IReadOnlyList<string> disallowedSchemes,
    IReadOnlyList<string> allowedHosts, IReadOnlyList<string> disallowedHosts,
    IReadOnlyList<int> allowedPorts, IReadOnlyList<int> disallowedPorts)
{
    private readonly IReadOnlyList<string> _allowedHosts = [.. allowedHosts.Select(Normalize)];

    // Of two lists Glance reads only the first one.
    private readonly IReadOnlyList<string> _disallowedHosts = allowedHosts.Count > 0 ? [] : [.. disallowedHosts.Select(Normalize)];

    /// <summary>Reads what a caller, or a server, gives as a URL.</summary>
    /// <exception cref="DownloadException">UrlInvalid.</exception>
    public static Uri Parse(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.IdnHost.Length > 0
            ? url
            : throw new DownloadException(
                DownloadError.UrlInvalid, "It is no URL that can be downloaded: it must begin with http:// or https:// and a host.",
                Remedy.None);

    /// <exception cref="DownloadException">UrlForbidden.</exception>
    public void Check(Uri url)
    {
        var host = HostOf(url);
        if (url.UserInfo.Length > 0) throw Forbidden(host, "has a user or a password in it, which is not supported");
        if (!IsAllowed(url.Scheme, allowedSchemes, disallowedSchemes))
        {
            throw Forbidden(host, $"has a scheme, {url.Scheme}, that is not allowed");
        }

        if (!IsAllowed(host, _allowedHosts, _disallowedHosts)) throw Forbidden(host, "is of a host that is not allowed");
        if (!IsPortAllowed(url)) throw Forbidden(host, $"has a port, {url.Port}, that is not allowed");
    }

    /// <summary>Whether a connection may go to that address, of a host that <see cref="Check"/> allowed.</summary>
    public bool IsAllowed(string host, IPAddress address)
    {
        if (_allowedHosts.Contains(Normalize(host), StringComparer.Ordinal)) return true;
        var actual = Reached(address);
        return !IsLocal(actual) && !_disallowedHosts.Contains(actual.ToString(), StringComparer.Ordinal);
    }

    /// <summary>The host of a URL as the rules, messages and the log name it.</summary>
    public static string HostOf(Uri url) => Normalize(url.IdnHost);

    /// <summary>A name or an address that is forbidden, in the words of <see cref="Check"/>.</summary>
    public static DownloadException Forbidden(string host, string why) => new(
        DownloadError.UrlForbidden, $"The URL, or one that it leads to, {why} (host {host}).", Remedy.None, ("host", host));

    private bool IsPortAllowed(Uri url) => allowedPorts.Count > 0
        ? url.IsDefaultPort || allowedPorts.Contains(url.Port)
        : !disallowedPorts.Contains(url.Port);

    private static bool IsAllowed(string value, IReadOnlyList<string> allowed, IReadOnlyList<string> disallowed) => allowed.Count > 0
        ? allowed.Contains(value, StringComparer.OrdinalIgnoreCase)
        : !disallowed.Contains(value, StringComparer.OrdinalIgnoreCase);

    // The pod itself, whose ports trust whoever reaches them, and link-local services as a cloud's metadata.
    private static bool IsLocal(IPAddress address) =>
        IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.IsIPv6Multicast || address.Equals(IPAddress.IPv6Any)
        || (address.GetAddressBytes() is [var first, var second, _, _] && (first is 0 or 127 or >= 224 || (first, second) is (169, 254)));

    // An IPv4 address has other names in IPv6: mapped, and by the well-known prefix of NAT64 (RFC 6052).
    private static IPAddress Reached(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        var bytes = address.GetAddressBytes();
        var isTranslated = bytes is [0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0, _, _, _, _];
        if (isTranslated) return new IPAddress(bytes.AsSpan(12));
        return bytes.Length == 16 ? new IPAddress(bytes) : address; // without the scope, which is a matter of this machine
    }

    private static string Normalize(string host)
    {
        var name = host.Trim('[', ']').TrimEnd('.').ToLowerInvariant();
        return IPAddress.TryParse(name, out var address) ? Reached(address).ToString() : name;
    }
}
