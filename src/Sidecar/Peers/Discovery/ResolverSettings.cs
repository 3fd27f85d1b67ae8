using System.Globalization;
using System.Net;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Discovery;

/// <summary>
/// How names are looked up: whom to ask, and under which other names. A Service is usually named without the cluster's
/// domain, which the pod's resolver settings add.
/// </summary>
internal sealed record ResolverSettings(IReadOnlyList<IPEndPoint> Servers, IReadOnlyList<string> Search, int Dots)
{
    private const string SystemFile = "/etc/resolv.conf";
    private const int DnsPort = 53;

    /// <summary>With a server of its own choice a name is asked for as it is.</summary>
    public static ResolverSettings Of(PeersOptions options) => IPEndPoint.TryParse(options.DnsServer, out var server)
        ? new ResolverSettings([server], [], 1)
        : Parse(File.Exists(SystemFile) ? File.ReadAllLines(SystemFile) : []);

    /// <summary>Reads the lines of a resolv.conf(5).</summary>
    public static ResolverSettings Parse(IEnumerable<string> lines)
    {
        var settings = new ResolverSettings([], [], 1);
        foreach (var line in lines)
        {
            var words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            settings = words switch
            {
                ["nameserver", var text, ..] when IPAddress.TryParse(text, out var address) =>
                    settings with { Servers = [.. settings.Servers, new IPEndPoint(address, DnsPort)] },
                ["search" or "domain", .. var domains] => settings with { Search = domains },
                ["options", .. var options] => settings with { Dots = DotsOf(options) ?? settings.Dots },
                _ => settings,
            };
        }

        return settings.Servers.Count > 0
            ? settings : settings with { Servers = [new IPEndPoint(IPAddress.Loopback, DnsPort)] };
    }

    /// <summary>The names to ask for, in this order.</summary>
    public IReadOnlyList<string> NamesOf(string name)
    {
        if (name.EndsWith('.')) return [name];
        var searched = Search.Select(domain => $"{name}.{domain}");
        return name.Count(letter => letter == '.') >= Dots ? [name, .. searched] : [.. searched, name];
    }

    private static int? DotsOf(string[] options)
    {
        const string prefix = "ndots:";
        var option = Array.Find(options, option => option.StartsWith(prefix, StringComparison.Ordinal));
        return int.TryParse(option?[prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var dots)
            ? dots : null;
    }
}
