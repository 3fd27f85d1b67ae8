using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Stagectl.Connection;

/// <summary>
/// Connects to the sidecar: over its Unix socket, or over TCP with TLS where the address is an https one. A channel that
/// connects by itself knows no Unix sockets, waits ever longer after each failure, and takes a refused certificate for a
/// bug of the server.
/// </summary>
internal sealed class Dialer(Uri address)
{
    private const string UnixScheme = "unix";

    /// <summary>
    /// What the channel is given. A Unix socket has no host; the server takes none but a valid one for <c>:authority</c>,
    /// and <c>localhost</c> is what clients agree on.
    /// </summary>
    public static Uri UriOf(Uri address) =>
        address.Scheme == UnixScheme ? new Uri("http://localhost") : address;

    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/>, which takes an open TLS stream as it is.</summary>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    /// <exception cref="IOException">The TLS handshake failed; it says why.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var plain = await OpenAsync(context, cancellationToken);
        return address.Scheme == Uri.UriSchemeHttps
            ? await SecureAsync(plain, context.DnsEndPoint.Host, cancellationToken)
            : plain;
    }

    private async Task<NetworkStream> OpenAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (socket, endPoint) = address.Scheme == UnixScheme
            ? (new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified),
                (EndPoint)new UnixDomainSocketEndPoint(address.LocalPath))
            : (new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }, context.DnsEndPoint);
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

    private static async Task<Stream> SecureAsync(Stream plain, string host, CancellationToken cancellationToken)
    {
        var secure = new SslStream(plain);
        try
        {
            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = host, ApplicationProtocols = [SslApplicationProtocol.Http2] },
                cancellationToken);
            return secure;
        }
        catch (Exception failure)
        {
            await secure.DisposeAsync();
            if (failure is not AuthenticationException) throw;
            throw new IOException($"the TLS handshake failed: {failure.GetBaseException().Message}", failure);
        }
    }
}
