using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;

namespace Grpc.Tests.Interop;

/// <summary>Our client, against a server that nobody here wrote and against ours.</summary>
[Category("Interop")]
[CancelAfter(60_000)]
public sealed class OwnClientTests
{
    [Test]
    public async Task OurClient_AgainstGrpcio_Passes(
        [ValueSource(typeof(InteropCases), nameof(InteropCases.Calls))] string name,
        [Values] Transport transport,
        CancellationToken cancellationToken)
    {
        using var channel = Open(transport, await InteropBench.GrpcioServerAsync(transport));

        // grpcio does not tell a handler whether a request was compressed, so its server cannot refuse the probe.
        await new OwnClient(channel, serverSeesCompression: false, cancellationToken).RunAsync(name);
    }

    [Test]
    public async Task OurClient_AgainstOurServer_Passes(
        [ValueSource(typeof(InteropCases), nameof(InteropCases.Calls))] string name,
        [Values] Transport transport,
        CancellationToken cancellationToken)
    {
        using var channel = Open(transport, await InteropBench.OurServerAsync(transport));
        await new OwnClient(channel, serverSeesCompression: true, cancellationToken).RunAsync(name);
    }

    private static GrpcChannel Open(Transport transport, int port)
    {
        if (transport == Transport.Plaintext)
            return GrpcChannel.ForAddress($"http://127.0.0.1:{port}");

        var trusted = X509CertificateLoader.LoadCertificateFromFile(InteropBench.CertificateFile);
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) =>
            presented is not null && presented.GetRawCertData().AsSpan().SequenceEqual(trusted.RawDataMemory.Span);
        return GrpcChannel.ForAddress(
            $"https://127.0.0.1:{port}",
            new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }
}
