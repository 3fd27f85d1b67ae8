using System.Net;
using System.Net.Sockets;
using Sidecar.Downloads.Core;

namespace Sidecar.Downloads.Servers;

/// <summary>
/// Connects to an address that the rules allow, and to no other: a name is resolved once for each connection, each address is
/// judged, and the socket goes to one that was allowed. Nobody asks the name again in between.
/// </summary>
internal sealed class JudgedConnect(TargetRules rules)
{
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await ResolveAsync(host, cancellationToken);
        var allowed = addresses.Where(address => rules.IsAllowed(host, address)).ToList();
        if (allowed.Count == 0) throw TargetRules.Forbidden(host, "is of a host with an address that is not allowed");
        SocketException? failure = null;
        foreach (var address in allowed)
        {
            try
            {
                return await ConnectAsync(new IPEndPoint(address, port), cancellationToken);
            }
            catch (SocketException refused)
            {
                failure = refused;
            }
        }

        throw failure!;
    }

    private static async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
        IPAddress.TryParse(host, out var address) ? [address] : await Dns.GetHostAddressesAsync(host, cancellationToken);

    private static async Task<Stream> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
