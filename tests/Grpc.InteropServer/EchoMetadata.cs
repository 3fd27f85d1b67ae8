using Grpc.Core;

namespace Grpc.InteropServer;

/// <summary>Sends the two metadata entries of the custom_metadata case back, and asks for compression.</summary>
internal static class EchoMetadata
{
    private const string Initial = "x-grpc-test-echo-initial";
    private const string Trailing = "x-grpc-test-echo-trailing-bin";

    public static Task SendAsync(ServerCallContext context, bool gzip)
    {
        if (context.RequestHeaders.Get(Trailing) is { } trailing)
            context.ResponseTrailers.Add(trailing);

        var headers = new Metadata();
        if (context.RequestHeaders.Get(Initial) is { } initial)
            headers.Add(initial);
        if (gzip)
            headers.Add("grpc-internal-encoding-request", "gzip");

        return headers.Count > 0 ? context.WriteResponseHeadersAsync(headers) : Task.CompletedTask;
    }
}
