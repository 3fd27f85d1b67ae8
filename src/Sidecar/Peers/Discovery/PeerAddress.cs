using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sidecar.Peers.Discovery;

/// <summary>Where a peer listens, and its pod's name where a record or a setting tells it.</summary>
internal sealed record PeerAddress(string? Name, string Host, int Port)
{
    public static PeerAddress Of(string? name, IPAddress address, int port) => new(
        name, address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString(), port);

    /// <summary>Reads <c>name=host:port</c> or <c>host:port</c>; an IPv6 address stands in brackets.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PeerAddress? address)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? null : text[..equals];
        var authority = text[(equals + 1)..];
        var colon = authority.LastIndexOf(':');
        address = colon > 0 && name != ""
            && int.TryParse(authority[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= 65535 && IsHost(authority[..colon])
            ? new PeerAddress(name, authority[..colon], port)
            : null;
        return address is not null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    private static bool IsHost(string host) => host.StartsWith('[')
        ? host.EndsWith(']') && Uri.CheckHostName(host[1..^1]) == UriHostNameType.IPv6
        : Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
}
