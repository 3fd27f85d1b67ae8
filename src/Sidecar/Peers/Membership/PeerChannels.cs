using Grpc.Net.Client;
using Microsoft.Extensions.Options;

namespace Sidecar.Peers.Membership;

/// <summary>Opens the ways to peers: one HTTP/2 connection each, which notices when nobody answers any more.</summary>
internal sealed class PeerChannels(IOptions<PeersOptions> options)
{
    // As the local listener: several chunks of a transfer in flight.
    private const int WindowBytes = 8 << 20;

    public GrpcChannel Open(PeerAddress address)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false, // peers are never behind one, whatever http_proxy says
            EnableMultipleHttp2Connections = true,
            InitialHttp2StreamWindowSize = WindowBytes,
            ConnectTimeout = options.Value.ConnectTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            // SocketsHttpHandler accepts no less than a second.
            KeepAlivePingDelay = AtLeastOneSecond(options.Value.ConnectTimeout),
            KeepAlivePingTimeout = AtLeastOneSecond(options.Value.ConnectTimeout),
        };
        return GrpcChannel.ForAddress(
            "http://" + address, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    private static TimeSpan AtLeastOneSecond(TimeSpan time) => time < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : time;
}
