using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Grpc.Tests.Hosting;

namespace Grpc.Tests.Interop;

/// <summary>The cases with our client, but for those of compression.</summary>
internal sealed partial class OwnClient
{
    private static readonly int[] SizesDown = [31415, 9, 2653, 58979];
    private static readonly int[] SizesUp = [27182, 8, 1828, 45904];

    private readonly GrpcChannel _channel;
    private readonly TestService.TestServiceClient _client;
    private readonly bool _serverSeesCompression;
    private readonly CancellationToken _cancellationToken;

    public OwnClient(GrpcChannel channel, bool serverSeesCompression, CancellationToken cancellationToken)
    {
        _channel = channel;
        _client = new TestService.TestServiceClient(channel);
        _serverSeesCompression = serverSeesCompression;
        _cancellationToken = cancellationToken;
    }

    public Task RunAsync(string name) => name switch
    {
        "empty_unary" => EmptyUnary(),
        "large_unary" => LargeUnary(),
        "client_streaming" => ClientStreaming(),
        "server_streaming" => ServerStreaming(),
        "ping_pong" => PingPong(),
        "empty_stream" => EmptyStream(),
        "cancel_after_begin" => CancelAfterBegin(),
        "cancel_after_first_response" => CancelAfterFirstResponse(),
        "timeout_on_sleeping_server" => TimeoutOnSleepingServer(),
        "custom_metadata" => CustomMetadata(),
        "status_code_and_message" => StatusIsEchoed("test status message"),
        "special_status_message" => StatusIsEchoed(
            "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"),
        "unimplemented_method" => UnimplementedMethod(),
        "unimplemented_service" => UnimplementedService(),
        "client_compressed_unary" => ClientCompressedUnary(),
        "client_compressed_streaming" => ClientCompressedStreaming(),
        "server_compressed_unary" => ServerCompressedUnary(),
        "server_compressed_streaming" => ServerCompressedStreaming(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such case"),
    };

    private static Payload Zeros(int size) => new() { Body = UnsafeByteOperations.UnsafeWrap(new byte[size]) };

    private static SimpleRequest Large() => new() { ResponseSize = 314159, Payload = Zeros(271828) };

    private static StreamingOutputCallRequest Exchange(int down, int up) =>
        new() { ResponseParameters = { new ResponseParameters { Size = down } }, Payload = Zeros(up) };

    private static void AssertLarge(SimpleResponse response) =>
        Assert.That(response.Payload.Body.Span.SequenceEqual(new byte[314159]), Is.True);

    private CallOptions Options(Metadata? headers = null) => new(headers, cancellationToken: _cancellationToken);

    private async Task EmptyUnary() =>
        Assert.That(await _client.EmptyCallAsync(new Empty(), Options()), Is.EqualTo(new Empty()));

    private async Task LargeUnary() => AssertLarge(await _client.UnaryCallAsync(Large(), Options()));

    private async Task ClientStreaming()
    {
        using var call = _client.StreamingInputCall(Options());
        foreach (var size in SizesUp)
            await call.RequestStream.WriteAsync(new StreamingInputCallRequest { Payload = Zeros(size) });

        await call.RequestStream.CompleteAsync();
        Assert.That((await call).AggregatedPayloadSize, Is.EqualTo(SizesUp.Sum()));
    }

    private async Task ServerStreaming()
    {
        var request = new StreamingOutputCallRequest();
        request.ResponseParameters.AddRange(SizesDown.Select(size => new ResponseParameters { Size = size }));
        using var call = _client.StreamingOutputCall(request, Options());
        List<int> sizes = [];
        await foreach (var response in call.ResponseStream.ReadAllAsync(_cancellationToken))
            sizes.Add(response.Payload.Body.Length);

        Assert.That(sizes, Is.EqualTo(SizesDown));
    }

    private async Task PingPong()
    {
        using var call = _client.FullDuplexCall(Options());
        foreach (var (down, up) in SizesDown.Zip(SizesUp))
            await ExchangeAsync(call, down, up);

        await call.RequestStream.CompleteAsync();
        Assert.That(await call.ResponseStream.MoveNext(_cancellationToken), Is.False);
        Assert.That(call.GetStatus(), Is.EqualTo(Status.DefaultSuccess));
    }

    private async Task ExchangeAsync(
        AsyncDuplexStreamingCall<StreamingOutputCallRequest, StreamingOutputCallResponse> call, int down, int up)
    {
        await call.RequestStream.WriteAsync(Exchange(down, up));
        Assert.That(await call.ResponseStream.MoveNext(_cancellationToken), Is.True);
        Assert.That(call.ResponseStream.Current.Payload.Body, Has.Length.EqualTo(down));
    }

    private async Task EmptyStream()
    {
        using var call = _client.FullDuplexCall(Options());
        await call.RequestStream.CompleteAsync();
        Assert.That(await call.ResponseStream.MoveNext(_cancellationToken), Is.False);
    }

    private async Task CancelAfterBegin()
    {
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(_cancellationToken);
        using var call = _client.StreamingInputCall(cancellationToken: cancelling.Token);
        await cancelling.CancelAsync();
        await Expect.FailureAsync(StatusCode.Cancelled, () => call.ResponseAsync);
    }

    private async Task CancelAfterFirstResponse()
    {
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(_cancellationToken);
        using var call = _client.FullDuplexCall(cancellationToken: cancelling.Token);
        await ExchangeAsync(call, 31415, 27182);
        await cancelling.CancelAsync();
        await Expect.FailureAsync(StatusCode.Cancelled, () => call.ResponseStream.MoveNext(CancellationToken.None));
    }

    private async Task TimeoutOnSleepingServer()
    {
        using var call = _client.FullDuplexCall(deadline: DateTime.UtcNow.AddMilliseconds(50));
        var request = new StreamingOutputCallRequest
        {
            ResponseParameters = { new ResponseParameters { Size = 1, IntervalUs = 2_000_000 } },
        };
        await SendToFailingCallAsync(call, request, StatusCode.DeadlineExceeded);
        await Expect.FailureAsync(
            StatusCode.DeadlineExceeded, () => call.ResponseStream.MoveNext(CancellationToken.None));
    }

    private async Task CustomMetadata()
    {
        var bytes = new byte[] { 0xab, 0xab, 0xab };
        Metadata headers =
        [
            new("x-grpc-test-echo-initial", "test_initial_metadata_value"),
            new("x-grpc-test-echo-trailing-bin", bytes),
        ];
        using var unary = _client.UnaryCallAsync(Large(), Options(headers));
        await unary;
        using var duplex = _client.FullDuplexCall(Options(headers));
        await ExchangeAsync(duplex, 31415, 27182);
        await duplex.RequestStream.CompleteAsync();
        Assert.That(await duplex.ResponseStream.MoveNext(_cancellationToken), Is.False);
        foreach (var (initial, trailing) in new[]
        {
            (await unary.ResponseHeadersAsync, unary.GetTrailers()),
            (await duplex.ResponseHeadersAsync, duplex.GetTrailers()),
        })
        {
            Assert.That(initial.GetValue("x-grpc-test-echo-initial"), Is.EqualTo("test_initial_metadata_value"));
            Assert.That(trailing.GetValueBytes("x-grpc-test-echo-trailing-bin"), Is.EqualTo(bytes));
        }
    }

    private async Task StatusIsEchoed(string message)
    {
        var wanted = new EchoStatus { Code = (int)StatusCode.Unknown, Message = message };
        var unary = await Expect.FailureAsync(StatusCode.Unknown, async () =>
            await _client.UnaryCallAsync(new SimpleRequest { ResponseStatus = wanted }, Options()));
        using var call = _client.FullDuplexCall(Options());
        await SendToFailingCallAsync(
            call, new StreamingOutputCallRequest { ResponseStatus = wanted }, StatusCode.Unknown);
        await call.RequestStream.CompleteAsync();
        var duplex = await Expect.FailureAsync(
            StatusCode.Unknown, () => call.ResponseStream.MoveNext(_cancellationToken));
        Assert.That(new[] { unary.Status.Detail, duplex.Status.Detail }, Is.All.EqualTo(message));
    }

    // The call may have failed before the write has returned; then the write tells the status, too.
    private static async Task SendToFailingCallAsync(
        AsyncDuplexStreamingCall<StreamingOutputCallRequest, StreamingOutputCallResponse> call,
        StreamingOutputCallRequest request,
        StatusCode code)
    {
        try
        {
            await call.RequestStream.WriteAsync(request);
        }
        catch (RpcException early)
        {
            Assert.That(early.StatusCode, Is.EqualTo(code));
        }
    }

    private async Task UnimplementedMethod() => await Expect.FailureAsync(StatusCode.Unimplemented, async () =>
        await _client.UnimplementedCallAsync(new Empty(), Options()));

    private async Task UnimplementedService() => await Expect.FailureAsync(StatusCode.Unimplemented, async () =>
        await new UnimplementedService.UnimplementedServiceClient(_channel).UnimplementedCallAsync(
            new Empty(), Options()));
}
