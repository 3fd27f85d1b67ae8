using System.Net.Sockets;
using Grpc.Net.Client;

namespace Testing;

/// <summary>A channel over a Unix socket.</summary>
internal static class SocketChannel
{
    public static GrpcChannel Open(string path) => Open(path, connections => connections);

    /// <param name="around">What is put around the connections.</param>
    public static GrpcChannel Open(string path, Func<SocketsHttpHandler, HttpMessageHandler> around) =>
        GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = around(new SocketsHttpHandler
            {
                EnableMultipleHttp2Connections = true,
                ConnectCallback = (_, cancellationToken) => ConnectAsync(path, cancellationToken),
            }),
            DisposeHttpClient = true,
        });

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
