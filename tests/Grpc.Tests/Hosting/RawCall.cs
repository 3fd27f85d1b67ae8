using System.Net;
using System.Net.Http.Headers;

namespace Grpc.Tests.Hosting;

/// <summary>One gRPC request written by hand, byte for byte, and its answer.</summary>
internal sealed class RawCall
{
    private readonly Dictionary<string, string> _fields = new(StringComparer.OrdinalIgnoreCase);

    public HttpStatusCode HttpStatus { get; private init; }

    public byte[] Body { get; private init; } = [];

    /// <summary>Whether the headers already had the status.</summary>
    public bool IsTrailersOnly { get; private set; }

    public string? GrpcStatus => this["grpc-status"];

    /// <summary>A header or trailer.</summary>
    public string? this[string name] => _fields.GetValueOrDefault(name);

    public static Task<RawCall> SendAsync(
        TestServer server,
        string path,
        byte[] body,
        CancellationToken cancellationToken,
        params (string Name, string Value)[] headers) =>
        SendAsync(server, path, new ByteArrayContent(body), cancellationToken, headers);

    public static async Task<RawCall> SendAsync(
        TestServer server,
        string path,
        HttpContent body,
        CancellationToken cancellationToken,
        params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Address + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        };
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return await ReadAsync(response, cancellationToken);
    }

    private static async Task<RawCall> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var answer = new RawCall
        {
            HttpStatus = response.StatusCode,
            Body = await response.Content.ReadAsByteArrayAsync(cancellationToken),
        };
        answer.Add(response.Headers);
        answer.IsTrailersOnly = answer.GrpcStatus is not null;
        answer.Add(response.Content.Headers);
        answer.Add(response.TrailingHeaders);
        return answer;
    }

    private void Add(HttpHeaders headers)
    {
        foreach (var (name, values) in headers.NonValidated)
            _fields.TryAdd(name, values.ToString());
    }
}
