using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Client;

/// <summary>What a response's headers and trailers say.</summary>
internal static class ResponseHead
{
    /// <summary>The outcome of a response without messages (a refusal, or a trailers-only answer); null when messages
    /// may follow.</summary>
    public static CallOutcome? EarlyOutcome(HttpResponseMessage response)
    {
        if (Value(response.Headers, HeaderNames.Status) is not null)
            return Outcome(response, response.Headers);

        var contentType = Value(response.Content.Headers, "content-type");
        if (response.StatusCode != HttpStatusCode.OK || !HeaderNames.IsGrpc(contentType))
        {
            return CallOutcome.Local(
                HttpErrors.CodeOf(response.StatusCode),
                $"Not a gRPC answer: HTTP status {(int)response.StatusCode}, content type '{contentType}'.");
        }

        var encoding = Value(response.Headers, HeaderNames.Encoding);
        return MessageEncoding.IsKnown(encoding)
            ? null
            : CallOutcome.Local(StatusCode.Internal, $"The response's encoding '{encoding}' was not asked for.");
    }

    /// <summary>The outcome that the trailers tell; the body must have been read to its end.</summary>
    public static CallOutcome FinalOutcome(HttpResponseMessage response) => Outcome(response, response.TrailingHeaders);

    public static Metadata Read(HttpHeaders headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers.NonValidated)
        {
            foreach (var value in values)
                MetadataHeaders.Read(metadata, name, value);
        }

        return metadata;
    }

    public static string? Value(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    private static CallOutcome Outcome(HttpResponseMessage response, HttpHeaders headers)
    {
        var text = Value(headers, HeaderNames.Status);
        if (text is null)
        {
            return CallOutcome.Local(
                HttpErrors.CodeOf(response.StatusCode), "The response ended without a grpc-status.");
        }

        var code = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && Enum.IsDefined((StatusCode)number) ? (StatusCode)number : StatusCode.Unknown;
        var detail = PercentEncoding.Decode(Value(headers, HeaderNames.Message) ?? "");
        return new CallOutcome(new Status(code, detail), Read(headers));
    }
}
