using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Grpc.Tests.Hosting;

namespace Grpc.Tests.Client;

/// <summary>Reads and writes that come just when the handler has closed the stream, as the call or connection ended.</summary>
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

    [Test]
    public async Task Read_FromAStreamThatTheHandlerDisposed_EndsWithTheCallsStatus(CancellationToken cancellationToken)
    {
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var channel = Channel(() => new DisposedStream(cancelling.Cancel));
        using var call = Download(channel, cancelling.Token);
        await Expect.FailureAsync(StatusCode.Cancelled, () => call.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Test]
    public async Task Read_FromAStreamThatTheTransportDisposed_IsUnavailable(CancellationToken cancellationToken)
    {
        using var channel = Channel(() => new DisposedStream(() => { }));
        using var call = Download(channel, cancellationToken);
        await Expect.FailureAsync(StatusCode.Unavailable, () => call.ResponseStream.MoveNext(cancellationToken));
    }

    [Test]
    public async Task Call_ThatTheTransportGaveUp_IsUnavailable(CancellationToken cancellationToken)
    {
        using var channel = Channel(() => throw new TaskCanceledException("The connection was given up."));
        using var call = Download(channel, cancellationToken);
        var failure = await Expect.FailureAsync(
            StatusCode.Unavailable, () => call.ResponseStream.MoveNext(cancellationToken));
        Assert.That(failure.Status.Detail, Does.Contain("localhost").And.Contain("given up"));
    }

    private static GrpcChannel Channel(Func<Stream> answer) => GrpcChannel.ForAddress(
        "http://localhost", new GrpcChannelOptions { HttpHandler = new StreamHandler(answer), DisposeHttpClient = true });

    private static AsyncServerStreamingCall<StreamingOutputCallResponse> Download(
        GrpcChannel channel, CancellationToken cancellationToken) =>
        new TestService.TestServiceClient(channel).StreamingOutputCall(
            new StreamingOutputCallRequest(), cancellationToken: cancellationToken);

    /// <summary>Answers 200 with a stream.</summary>
    private sealed class StreamHandler(Func<Stream> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = new HttpResponseMessage { Version = HttpVersion.Version20, Content = new StreamContent(answer()) };
            response.Content.Headers.ContentType = new("application/grpc");
            return Task.FromResult(response);
        }
    }

    private sealed class DisposedStream(Action beforeRead) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            beforeRead();
            throw new ObjectDisposedException(nameof(DisposedStream));
        }
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
