using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Trust;

/// <summary>
/// Whom the peer listener lets in: with TLS only who shows a certificate that the rules trust. Nothing is answered
/// before that, not even a health check. Each connection is marked with who it is from.
/// </summary>
internal sealed class PeerGate(
    CredentialWatch credentials, TrustRules rules, IOptions<PeersOptions> options, TimeProvider clock, ILogger<PeerGate> logger)
{
    // Anybody can knock; the log is not theirs to fill.
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private DateTimeOffset _lastLine;

    public void Guard(ListenOptions listener)
    {
        if (options.Value.Encrypted)
        {
            listener.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = Accept, HandshakeTimeout = TimeSpan.FromSeconds(10),
            });
            return;
        }

        listener.Use(next => connection =>
        {
            connection.Features.Set(new PeerCaller("plaintext"));
            return next(connection);
        });
    }

    private ValueTask<SslServerAuthenticationOptions> Accept(TlsHandshakeCallbackContext context)
    {
        var now = credentials.Current!;
        var connection = context.Connection;
        return new(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = now.Context,
            ClientCertificateRequired = true,
            CertificateChainPolicy = now.PolicyFor(PeerCredentials.ClientUse),
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                Trusts(connection, rules.Check(certificate as X509Certificate2, chain, errors)),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            // A resumed session would skip what may have changed since: the files.
            AllowTlsResume = false,
        });
    }

    private bool Trusts(ConnectionContext connection, Verdict verdict)
    {
        if (verdict.Identity is null)
        {
            if (MayLog()) PeersLog.CallerRefused(logger, $"{connection.RemoteEndPoint}", $"it {verdict.Refusal}");
            return false;
        }

        connection.Features.Set(new PeerCaller(verdict.Identity));
        return true;
    }

    private bool MayLog()
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            if (now - _lastLine < QuietTime) return false;
            _lastLine = now;
            return true;
        }
    }
}
