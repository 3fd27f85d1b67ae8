using System.Net.Sockets;

namespace Grpc.Client;

/// <summary>HTTP/2 over a Unix domain socket.</summary>
internal static class UnixSocket
{
    public const string Scheme = "unix";

    public static SocketsHttpHandler Handler(string path)
    {
        var endPoint = new UnixDomainSocketEndPoint(path);
        return new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            UseProxy = false,
            ConnectCallback = (_, cancellationToken) => ConnectAsync(endPoint, cancellationToken),
        };
    }

    private static async ValueTask<Stream> ConnectAsync(
        UnixDomainSocketEndPoint endPoint,
        CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
