using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Stagectl.Failures;

namespace Stagectl.Ingest;

/// <summary>Opens connections to where Glance is reached, one for each request: nothing can be sent twice because one was closed.</summary>
internal sealed class IngestConnection(IngestAddress address, X509ChainPolicy? trust)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    // A server that vanished without a word is noticed by these: while nothing is sent, and while what was sent is not acknowledged,
    // which else takes a quarter of an hour. A server that takes nothing for so long, as its disk is slow, is asked again, too.
    private const int KeepAliveSeconds = 15;
    private const int KeepAliveProbes = 3;
    private const int UserTimeoutMilliseconds = 60_000;
    private const int TcpLevel = 6;
    private const int TcpUserTimeout = 18;

    /// <exception cref="AttemptException">Nobody listens there, or it takes too long.</exception>
    /// <exception cref="CommandException">The server is not who it should be.</exception>
    public async Task<Stream> OpenAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(ConnectTimeout);
        try
        {
            return await ConnectAsync(patience.Token);
        }
        catch (AuthenticationException failure)
        {
            throw new CommandException(Failure.Untrusted(
                $"The TLS handshake with {address} failed: {failure.GetBaseException().Message.TrimEnd('.')}. Name the authority of its "
                + $"certificate by --ca-file or {TrustedRoots.Variable}, where the system does not know it."));
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            throw Away(failure.GetBaseException().Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Away($"no connection within {ConnectTimeout.TotalSeconds} s.");
        }
    }

    private AttemptException Away(string why) =>
        new(Failure.Unreachable($"{address} cannot be reached: {why.TrimEnd('.')}."), neverAnswered: true);

    private async Task<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            NoticeSilence(socket);
            await socket.ConnectAsync(address.Host, address.Port, cancellationToken);
            var plain = new NetworkStream(socket, ownsSocket: true);
            return address.IsEncrypted ? await SecureAsync(plain, cancellationToken) : plain;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<SslStream> SecureAsync(NetworkStream plain, CancellationToken cancellationToken)
    {
        var secure = new SslStream(plain);
        await secure.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = address.Host, ApplicationProtocols = [SslApplicationProtocol.Http11], CertificateChainPolicy = trust,
            },
            cancellationToken);
        return secure;
    }

    private static void NoticeSilence(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
        socket.SetRawSocketOption(TcpLevel, TcpUserTimeout, BitConverter.GetBytes(UserTimeoutMilliseconds));
    }
}
