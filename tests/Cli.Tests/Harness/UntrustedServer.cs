using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Stagectl.Tests.Harness;

/// <summary>A TLS server on loopback whose certificate nobody has signed.</summary>
internal sealed class UntrustedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate;
    private readonly Task _serving;

    public UntrustedServer()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Address => $"https://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _certificate.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true) await RefuseAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception end) when (end is SocketException or InvalidOperationException)
        {
            // The test is over: the listener was stopped while this waited, or before it began to.
        }
    }

    private async Task RefuseAsync(TcpClient client)
    {
        using (client)
        {
            await using var stream = new SslStream(client.GetStream());
            try
            {
                await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                {
                    ServerCertificate = _certificate, ApplicationProtocols = [SslApplicationProtocol.Http2],
                });
                await stream.ReadExactlyAsync(new byte[1]); // until the client hangs up
            }
            catch (Exception refused) when (refused is AuthenticationException or IOException)
            {
                // As it is to be.
            }
        }
    }
}
