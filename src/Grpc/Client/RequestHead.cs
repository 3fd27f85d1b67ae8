using System.Net;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Client;

/// <summary>Makes the HTTP request of a call.</summary>
internal static class RequestHead
{
    private const string UserAgent = "grpc-dotnet-sidecar/0.1";

    public static HttpRequestMessage Create(Uri uri, CallOptions options, TimeSpan? timeout, HttpContent body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, uri)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation(HeaderNames.AcceptEncoding, MessageEncoding.Accepted);
        if (timeout is { } left)
            request.Headers.TryAddWithoutValidation(HeaderNames.Timeout, GrpcTimeout.Format(left));
        if (WantsGzip(options))
            request.Headers.TryAddWithoutValidation(HeaderNames.Encoding, MessageEncoding.Gzip);

        AddMetadata(request, options.Headers ?? Metadata.Empty);
        return request;
    }

    /// <exception cref="RpcException">INTERNAL: an encoding that is not known here.</exception>
    public static bool WantsGzip(CallOptions options) =>
        options.Headers?.GetValue(HeaderNames.EncodingRequest) switch
        {
            null or MessageEncoding.Identity => false,
            MessageEncoding.Gzip => true,
            var other => throw new RpcException(
                new Status(StatusCode.Internal, $"The message encoding '{other}' is not known here.")),
        };

    private static void AddMetadata(HttpRequestMessage request, Metadata metadata)
    {
        MetadataHeaders.Write(metadata, (name, value) => request.Headers.TryAddWithoutValidation(name, value));
        if (metadata.Get("user-agent") is null)
            request.Headers.TryAddWithoutValidation("user-agent", UserAgent);
    }
}
