using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Discovery;
using Sidecar.Peers.Trust;

namespace Sidecar.Peers.Membership;

/// <summary>Opens the ways to peers: one HTTP/2 connection each, which notices when nobody answers any more.</summary>
internal sealed class PeerChannels(IOptions<PeersOptions> options, PeerDialer dialer)
{
    // As the local listener: several chunks of a transfer in flight.
    private const int WindowBytes = 8 << 20;

    // After this new calls get a new connection, and with it the certificates of now; calls under way go on.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>A channel that nobody uses any more closes its connections by itself, and needs no disposal.</summary>
    public CallInvoker Open(PeerAddress address)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false, // peers are never behind one, whatever http_proxy says
            EnableMultipleHttp2Connections = true,
            InitialHttp2StreamWindowSize = WindowBytes,
            ConnectTimeout = options.Value.ConnectTimeout,
            PooledConnectionLifetime = Lifetime,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            // SocketsHttpHandler accepts no less than a second.
            KeepAlivePingDelay = AtLeastOneSecond(options.Value.ConnectTimeout),
            KeepAlivePingTimeout = AtLeastOneSecond(options.Value.ConnectTimeout),
            // Without one the channel connects by itself, and after a failure waits ever longer before it tries again:
            // a peer that is back would be noticed late.
            ConnectCallback = options.Value.Encrypted ? dialer.ConnectAsync : PeerDialer.ConnectPlainAsync,
        };
        var channel = GrpcChannel.ForAddress(
            (options.Value.Encrypted ? "https://" : "http://") + address,
            new GrpcChannelOptions { HttpHandler = new SingleAttempt(handler), DisposeHttpClient = true });
        return channel.Intercept(new CallTracer(address.ToString()), new StatusOfWrites());
    }

    private static TimeSpan AtLeastOneSecond(TimeSpan time) => time < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : time;
}
