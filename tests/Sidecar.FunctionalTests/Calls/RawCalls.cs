using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>Requests of gRPC written by hand, byte for byte, over a daemon's socket.</summary>
internal sealed class RawCalls(string socket) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
            return new NetworkStream(connection, ownsSocket: true);
        },
    });

    public Task<RawAnswer> SendAsync(
        string path, byte[] body, CancellationToken cancellationToken, params (string Name, string Value)[] headers) =>
        SendAsync(path, new ByteArrayContent(body), headers, cancellationToken);

    /// <summary>With a body that is written while the call runs.</summary>
    public Task<RawAnswer> SendAsync(
        string path, PipeReader body, CancellationToken cancellationToken, params (string Name, string Value)[] headers) =>
        SendAsync(path, new PipedContent(body), headers, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<RawAnswer> SendAsync(
        string path, HttpContent body, (string Name, string Value)[] headers, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://localhost" + path)
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = body,
        };
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return await RawAnswer.ReadAsync(response, cancellationToken);
    }
}
