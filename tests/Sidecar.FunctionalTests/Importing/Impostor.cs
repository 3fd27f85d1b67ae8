using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>
/// Something that listens where a peer should, shows a certificate, or nothing at all, and hangs up. It notes which
/// certificates it was shown.
/// </summary>
internal sealed class Impostor : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentQueue<string> _shown = new();
    private readonly Task _accepting;

    public Impostor(SslStreamCertificateContext? certificate)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Address = _listener.LocalEndPoint!.ToString()!;
        _accepting = AcceptAsync(certificate);
    }

    public string Address { get; }

    /// <summary>Thumbprints.</summary>
    public IEnumerable<string> Shown => _shown;

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _closing.Dispose();
    }

    private async Task AcceptAsync(SslStreamCertificateContext? certificate)
    {
        while (true)
        {
            try
            {
                using var socket = await _listener.AcceptAsync(_closing.Token);
                await using var stream = new NetworkStream(socket);
                if (certificate is null) await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), _closing.Token);
                else await GreetAsync(stream, certificate);
            }
            catch (Exception refused) when (refused is AuthenticationException or IOException)
            {
                // As the test wants it.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task GreetAsync(Stream stream, SslStreamCertificateContext certificate)
    {
        await using var secure = new SslStream(stream);
        await secure.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate, ClientCertificateRequired = true,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                RemoteCertificateValidationCallback = (_, shown, _, _) =>
                {
                    if (shown is not X509Certificate2 client) return false;
                    _shown.Enqueue(client.Thumbprint);
                    return true;
                },
            },
            _closing.Token);
    }
}
