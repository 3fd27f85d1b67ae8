using System.Net;
using System.Net.Http.Headers;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>What came back: headers and trailers alike.</summary>
internal sealed record RawAnswer(HttpStatusCode HttpStatus, byte[] Body, IReadOnlyDictionary<string, string> Fields)
{
    public string? Status => Fields.GetValueOrDefault("grpc-status");

    public string Message => Uri.UnescapeDataString(Fields.GetValueOrDefault("grpc-message", ""));

    public static async Task<RawAnswer> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        HttpHeaders[] all = [response.Headers, response.Content.Headers, response.TrailingHeaders];
        foreach (var (name, values) in all.SelectMany(headers => headers.NonValidated)) fields.TryAdd(name, values.ToString());
        return new RawAnswer(response.StatusCode, body, fields);
    }
}
