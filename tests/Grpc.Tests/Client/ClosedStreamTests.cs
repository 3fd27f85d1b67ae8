using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Grpc.Tests.Hosting;

namespace Grpc.Tests.Client;

/// <summary>A write that comes just when the handler has closed the request's stream, as the call has ended.</summary>
[CancelAfter(30_000)]
public sealed class ClosedStreamTests
{
    [Test]
    public async Task Write_ToAStreamThatTheHandlerDisposed_EndsWithTheCallsStatus(CancellationToken cancellationToken)
    {
        using var channel = GrpcChannel.ForAddress(
            "http://localhost", new GrpcChannelOptions { HttpHandler = new ClosingHandler(), DisposeHttpClient = true });
        using var call = new TestService.TestServiceClient(channel).StreamingInputCall(cancellationToken: cancellationToken);
        await Expect.FailureAsync(
            StatusCode.Unavailable, () => call.RequestStream.WriteAsync(new StreamingInputCallRequest(), cancellationToken));
    }

    /// <summary>Answers 503 when the request's stream was found closed.</summary>
    private sealed class ClosingHandler : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var stream = new ClosedStream();
            _ = request.Content!.CopyToAsync(stream, cancellationToken);
            await stream.Found.Task.WaitAsync(cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Version = HttpVersion.Version20 };
        }
    }

    private sealed class ClosedStream : MemoryStream
    {
        public TaskCompletionSource Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Found.TrySetResult();
            throw new ObjectDisposedException(nameof(ClosedStream));
        }
    }
}
