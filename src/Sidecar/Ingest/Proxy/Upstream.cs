using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Options;
using Sidecar.Ingest.Core;
using Yarp.ReverseProxy.Forwarder;

namespace Sidecar.Ingest.Proxy;

/// <summary>
/// The pod's glance-api. Each request has a connection of its own: next to glance-api that costs nothing, and no request can be
/// lost, or be sent twice, because a connection was closed at the moment at which it was used again.
/// </summary>
internal sealed class Upstream : IDisposable
{
    // Only has to be longer than what Glance takes to decide: a client that asked for permission waits for it, not for a time.
    private static readonly TimeSpan ContinueTimeout = TimeSpan.FromHours(1);

    // HttpClient sends a request again whose connection ends without an answer. Glance may have begun with it by then, and ended with a
    // killed process; whether to ask again is the client's to decide.
    private static readonly HttpRequestOptionsKey<bool> Attempted = new("attempted");

    private readonly EndPoint _endPoint;

    public Upstream(IOptions<IngestOptions> options)
    {
        var settings = options.Value;
        var onSocket = settings.Upstream.StartsWith('/');
        Prefix = onSocket ? "http://localhost" : settings.Upstream.TrimEnd('/');
        _endPoint = onSocket ? new UnixDomainSocketEndPoint(settings.Upstream) : EndPointOf(Prefix);
        Shown = settings.Upstream;
        Config = new ForwarderRequestConfig
        {
            Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            ActivityTimeout = settings.SilenceTimeout,
        };
        Client = new HttpMessageInvoker(NewHandler(settings), disposeHandler: true);
    }

    /// <summary>Scheme and authority; a target is what follows.</summary>
    public string Prefix { get; }

    /// <summary>For the log.</summary>
    public string Shown { get; }

    public ForwarderRequestConfig Config { get; }

    public HttpMessageInvoker Client { get; }

    public void Dispose() => Client.Dispose();

    private static DnsEndPoint EndPointOf(string url) => Uri.TryCreate(url, UriKind.Absolute, out var address)
        ? new DnsEndPoint(address.IdnHost, address.Port) : new DnsEndPoint("localhost", 80);

    private SocketsHttpHandler NewHandler(IngestOptions settings) => new()
    {
        UseProxy = false, UseCookies = false, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None,
        PooledConnectionLifetime = TimeSpan.Zero,
        ConnectTimeout = settings.ConnectTimeout,
        Expect100ContinueTimeout = ContinueTimeout,
        ActivityHeadersPropagator = null, // the caller's trace context passes as it is
        // As Kestrel has read them, byte for byte.
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
        ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        ConnectCallback = ConnectAsync,
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var attempt = context.InitialRequestMessage.Options;
        if (attempt.TryGetValue(Attempted, out _)) throw new IOException("it ended the connection before it had answered");
        attempt.Set(Attempted, true);
        var socket = _endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(_endPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
