using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Sidecar.Peers.Trust;

/// <summary>Connects to a peer. With TLS both show a certificate, and this side trusts by the same rules.</summary>
internal sealed class PeerDialer(CredentialWatch credentials, TrustRules rules)
{
    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/>, which takes an open TLS stream as it is.</summary>
    /// <exception cref="IOException">Nobody answers TLS there, or somebody who is not trusted; it says which.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var plain = await ConnectPlainAsync(context, cancellationToken);
        try
        {
            return await SecureAsync(plain, context.DnsEndPoint.Host, cancellationToken);
        }
        catch
        {
            await plain.DisposeAsync();
            throw;
        }
    }

    /// <summary>As <see cref="ConnectAsync"/>, without TLS.</summary>
    public static async ValueTask<Stream> ConnectPlainAsync(
        SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<Stream> SecureAsync(Stream plain, string host, CancellationToken cancellationToken)
    {
        Verdict? verdict = null;
        var now = credentials.Current!;
        var stream = new PeerTlsStream(plain);
        try
        {
            await stream.AuthenticateAsClientAsync(Options(now, host, given => verdict = given), cancellationToken);
            return stream;
        }
        catch (Exception failure) when (failure is AuthenticationException or IOException)
        {
            await stream.DisposeAsync();
            // Without the failure as its cause: the words for a person are the innermost ones.
            throw verdict is { Identity: null }
                ? new PeerTlsException($"it {verdict.Refusal}")
                : new PeerTlsException("the TLS handshake failed", failure.GetBaseException().Message);
        }
    }

    private SslClientAuthenticationOptions Options(PeerCredentials now, string host, Action<Verdict> tell) => new()
    {
        TargetHost = host,
        ClientCertificateContext = now.Context,
        CertificateChainPolicy = now.PolicyFor(PeerCredentials.ServerUse),
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
        {
            var verdict = rules.Check(certificate as X509Certificate2, chain, errors);
            tell(verdict);
            return verdict.Identity is not null;
        },
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        AllowTlsResume = false,
    };
}
