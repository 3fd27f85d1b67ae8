using Grpc.Net.Client;

namespace Grpc.Client;

/// <summary>What a channel's calls share: the HTTP handler, the limits, the channel's end.</summary>
internal sealed class ChannelTransport : IDisposable
{
    // The host of requests whose connection goes to a socket file.
    private const string UnixAuthority = "http://localhost";

    private readonly HttpMessageInvoker _http;
    private readonly Uri _root;
    private readonly CancellationTokenSource _closing = new();

    private ChannelTransport(
        Uri address, Uri root, HttpMessageHandler handler, bool ownsHandler, GrpcChannelOptions options)
    {
        Address = address.Scheme == UnixSocket.Scheme ? $"unix:{address.LocalPath}" : address.ToString();
        _root = root;
        _http = new HttpMessageInvoker(handler, ownsHandler);
        MaxReceiveBytes = options.MaxReceiveMessageSize;
        MaxSendBytes = options.MaxSendMessageSize;
        Time = options.TimeProvider;
    }

    /// <summary>As the caller gave it, for error texts.</summary>
    public string Address { get; }

    public int? MaxReceiveBytes { get; }

    public int? MaxSendBytes { get; }

    public TimeProvider Time { get; }

    /// <summary>Fires when the channel is disposed.</summary>
    public CancellationToken Closing => _closing.Token;

    public static ChannelTransport Create(Uri address, GrpcChannelOptions options)
    {
        if (address.Scheme == UnixSocket.Scheme)
        {
            return options.HttpHandler is not null
                ? throw new ArgumentException("A unix address takes no HttpHandler of its own.", nameof(options))
                : new ChannelTransport(
                    address, new Uri(UnixAuthority), UnixSocket.Handler(address.LocalPath), true, options);
        }

        if (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
            throw new ArgumentException($"'{address}' is not an http, https or unix address.", nameof(address));

        return options.HttpHandler is { } handler
            ? new ChannelTransport(address, address, handler, options.DisposeHttpClient, options)
            : new ChannelTransport(
                address, address, new SocketsHttpHandler { EnableMultipleHttp2Connections = true }, true, options);
    }

    public Uri UriOf(string methodPath) => new(_root, methodPath);

    /// <summary>Completes with the response's headers.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        _http.SendAsync(request, cancellationToken);

    public void Dispose()
    {
        if (_closing.IsCancellationRequested)
            return;

        _closing.Cancel();
        _http.Dispose();
    }
}
