using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Sidecar.Peers.Calls;

namespace Stagectl.Connection;

/// <summary>The sidecar's services over one connection, which is made when the first call needs it.</summary>
internal sealed class SidecarClient : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    // A peer that vanished without a word is noticed after these two, also in the middle of a transfer.
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    private readonly GrpcChannel _channel;

    public SidecarClient(Uri address)
    {
        Address = address;
        _channel = GrpcChannel.ForAddress(Dialer.UriOf(address), new GrpcChannelOptions
        {
            HttpHandler = new SingleAttempt(CreateHandler(address)),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = null, // the sidecar decides how large its chunks are
        });
        var calls = _channel.Intercept(new StatusOfWrites());
        Staging = new Staging.StagingClient(calls);
        Imports = new Imports.ImportsClient(calls);
        Peers = new Peers.PeersClient(calls);
        Operations = new Operations.OperationsClient(calls);
        Health = new Health.HealthClient(calls);
    }

    public Uri Address { get; }

    public Staging.StagingClient Staging { get; }

    public Imports.ImportsClient Imports { get; }

    public Peers.PeersClient Peers { get; }

    public Operations.OperationsClient Operations { get; }

    public Health.HealthClient Health { get; }

    /// <summary>Says why a call failed for want of a connection or an answer, in terms of what the user gave.</summary>
    public string DescribeUnreachable(RpcException failure)
    {
        if (failure.StatusCode == StatusCode.DeadlineExceeded) return $"The sidecar at {Address} did not answer in time.";
        // Of a socket that does not exist the transport says that the address cannot be assigned.
        var cause = Address.Scheme == "unix" && !File.Exists(Address.LocalPath)
            ? "there is no such socket."
            : (failure.Status.DebugException?.GetBaseException().Message ?? failure.Status.Detail);
        return $"The sidecar at {Address} cannot be reached: {cause}";
    }

    public void Dispose() => _channel.Dispose();

    private static SocketsHttpHandler CreateHandler(Uri address) => new()
    {
        ConnectCallback = new Dialer(address).ConnectAsync,
        EnableMultipleHttp2Connections = true,
        UseProxy = false, // http_proxy is for the web, not for a sidecar next door
        ConnectTimeout = ConnectTimeout,
        KeepAlivePingDelay = PingDelay,
        KeepAlivePingTimeout = PingTimeout,
    };
}
