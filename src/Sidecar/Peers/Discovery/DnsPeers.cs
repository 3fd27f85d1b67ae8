using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Discovery;

/// <summary>
/// The members of a headless Service: its SRV records, which name the pods, or else its addresses. No answer is kept:
/// the directory asks as often as it wants to know.
/// </summary>
internal sealed class DnsPeers(PeersOptions options, ResolverSettings resolver) : IPeerDiscovery
{
    private readonly LookupClient _dns = new(new LookupClientOptions([.. resolver.Servers])
    {
        UseCache = false,
        Timeout = options.ConnectTimeout,
        Retries = 1, // a lost datagram is common, two in a row are not
    });

    // Asked first: the one that had records last. The others are searched only when it has none any more.
    private string? _last;

    public async Task<IReadOnlyList<PeerAddress>> ResolveAsync(CancellationToken cancellationToken)
    {
        IOException? failure = null;
        foreach (var name in resolver.NamesOf(options.Service).OrderByDescending(name => name == _last))
        {
            try
            {
                if (await MembersAsync(name, cancellationToken) is not { Count: > 0 } members) continue;
                _last = name;
                return members;
            }
            catch (IOException silent)
            {
                failure ??= silent;
            }
        }

        return failure is null ? [] : throw failure;
    }

    /// <summary>
    /// The pod's name out of the name that its record has; null when that was made from its address, as it is for pods
    /// of a StatefulSet with another Service.
    /// </summary>
    public static string? PodName(string target, IPAddress address)
    {
        var label = target.Split('.', 2)[0];
        var made = address.ToString().Replace('.', '-').Replace(':', '-');
        return label.Length == 0 || label == made ? null : label;
    }

    private async Task<IReadOnlyList<PeerAddress>> MembersAsync(string name, CancellationToken cancellationToken)
    {
        var services = await AskAsync($"_{options.PortName}._tcp.{name}", QueryType.SRV, cancellationToken);
        var members = new List<PeerAddress>();
        foreach (var record in services.Answers.SrvRecords().OrderBy(record => record.Target.Value, StringComparer.Ordinal))
        {
            var known = AddressesIn(services.Additionals, record.Target);
            var addresses = known.Count > 0 ? known : await AddressesAsync(record.Target.Value, cancellationToken);
            // A pod with addresses of both families is one peer; the same one every time.
            if (addresses.Count == 0) continue;
            members.Add(PeerAddress.Of(PodName(record.Target.Value, addresses[0]), addresses[0], record.Port));
        }

        if (services.Answers.SrvRecords().Any()) return members;
        return [.. (await AddressesAsync(name, cancellationToken)).Select(address => PeerAddress.Of(null, address, options.Port))];
    }

    private async Task<List<IPAddress>> AddressesAsync(string name, CancellationToken cancellationToken)
    {
        var four = await AskAsync(name, QueryType.A, cancellationToken);
        var six = await AskAsync(name, QueryType.AAAA, cancellationToken);
        return Ordered(four.Answers.Concat(six.Answers).AddressRecords());
    }

    private static List<IPAddress> AddressesIn(IEnumerable<DnsResourceRecord> records, DnsString target) =>
        Ordered(records.AddressRecords().Where(record => record.DomainName.Equals(target)));

    private static List<IPAddress> Ordered(IEnumerable<AddressRecord> records) =>
        [.. records.Select(record => record.Address).Distinct()
            .OrderBy(address => address.AddressFamily == AddressFamily.InterNetworkV6)
            .ThenBy(address => address.ToString(), StringComparer.Ordinal)];

    /// <exception cref="IOException">No answer, or one that says neither what the records are nor that there are none.</exception>
    private async Task<IDnsQueryResponse> AskAsync(string name, QueryType type, CancellationToken cancellationToken)
    {
        IDnsQueryResponse answer;
        try
        {
            answer = await _dns.QueryAsync(name, type, cancellationToken: cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // Whatever a packet from the network makes the library throw: nothing was learnt.
            throw new IOException($"{type} records of {name}: {failure.Message}", failure);
        }

        var code = answer.Header.ResponseCode;
        return code is DnsHeaderResponseCode.NoError or DnsHeaderResponseCode.NotExistentDomain
            ? answer : throw new IOException($"{type} records of {name}: {answer.NameServer} answers {code}");
    }
}
