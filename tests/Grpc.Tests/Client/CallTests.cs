using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Grpc.Tests.Hosting;

namespace Grpc.Tests.Client;

/// <summary>Our client against our server: what neither the wire nor the interop cases show.</summary>
[CancelAfter(30_000)]
public sealed class CallTests
{
    private static readonly StreamingInputCallRequest Chunk = new()
    {
        Payload = new Payload { Body = UnsafeByteOperations.UnsafeWrap(new byte[64 * 1024]) },
    };

    [Test]
    public async Task Cancel_ByTheClient_ReachesTheHandler(CancellationToken cancellationToken)
    {
        var cancelled = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = async (_, context) =>
            {
                using var registration = context.CancellationToken.Register(() => cancelled.TrySetResult());
                started.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
                return new SimpleResponse();
            },
        });
        using var channel = server.Channel();
        using var call = new TestService.TestServiceClient(channel).UnaryCallAsync(
            new SimpleRequest(), cancellationToken: cancellationToken);
        await started.Task.WaitAsync(cancellationToken);
        call.Dispose();
        await cancelled.Task.WaitAsync(cancellationToken);
        await Expect.FailureAsync(StatusCode.Cancelled, () => call.ResponseAsync);
        Assert.That(call.GetStatus().StatusCode, Is.EqualTo(StatusCode.Cancelled));
    }

    [Test]
    public async Task Upload_CancelledByTheClient_EndsTheHandlersMoveNext(CancellationToken cancellationToken)
    {
        var failure = new TaskCompletionSource<(Exception Thrown, bool TokenFired)>();
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Upload = async (requests, context) =>
            {
                try
                {
                    while (await requests.MoveNext(CancellationToken.None))
                        Assert.That(requests.Current.Payload.Body, Is.Not.Empty);
                }
                catch (Exception thrown)
                {
                    failure.SetResult((thrown, context.CancellationToken.IsCancellationRequested));
                    throw;
                }

                return new StreamingInputCallResponse();
            },
        });
        using var channel = server.Channel();
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var call = new TestService.TestServiceClient(channel).StreamingInputCall(
            cancellationToken: cancelling.Token);
        await call.RequestStream.WriteAsync(Chunk, CancellationToken.None);
        await cancelling.CancelAsync();
        var (exception, fired) = await failure.Task.WaitAsync(cancellationToken);
        Assert.That(exception, Is.InstanceOf<OperationCanceledException>());
        Assert.That(fired, Is.True);
    }

    [Test]
    public async Task Upload_ServerEndsEarly_WritesFailWithItsStatus(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Upload = async (requests, context) =>
            {
                await requests.MoveNext(context.CancellationToken);
                throw new RpcException(new Status(StatusCode.ResourceExhausted, "full"), [new("x-free", "0")]);
            },
        });
        using var channel = server.Channel();
        using var call = new TestService.TestServiceClient(channel).StreamingInputCall(
            cancellationToken: cancellationToken);
        var failure = await Expect.FailureAsync(StatusCode.ResourceExhausted, async () =>
        {
            while (true)
                await call.RequestStream.WriteAsync(Chunk, CancellationToken.None);
        });
        Assert.That(failure.Status.Detail, Is.EqualTo("full"));
        Assert.That(failure.Trailers.GetValue("x-free"), Is.EqualTo("0"));
        await call.RequestStream.CompleteAsync();
        await Expect.FailureAsync(StatusCode.ResourceExhausted, () => call.ResponseAsync);
    }

    [Test]
    public async Task Duplex_ServerEndsEarly_WritesFailAndReadsTellTheStatus(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Duplex = async (_, responses, _) =>
            {
                await responses.WriteAsync(new StreamingOutputCallResponse());
                throw new RpcException(new Status(StatusCode.Aborted, "enough"));
            },
        });
        using var channel = server.Channel();
        using var call = new TestService.TestServiceClient(channel).FullDuplexCall(
            cancellationToken: cancellationToken);
        var request = new StreamingOutputCallRequest { Payload = Chunk.Payload };
        Assert.That(
            async () =>
            {
                while (true)
                    await call.RequestStream.WriteAsync(request, CancellationToken.None);
            },
            Throws.TypeOf<RpcException>());
        Assert.That(await call.ResponseStream.MoveNext(cancellationToken), Is.True);
        await Expect.FailureAsync(StatusCode.Aborted, () => call.ResponseStream.MoveNext(cancellationToken));
        Assert.That(call.GetStatus().Detail, Is.EqualTo("enough"));
    }

    [Test]
    public async Task Download_SlowReader_HoldsTheServerBack(CancellationToken cancellationToken)
    {
        const int Total = 400;
        var written = 0;
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Download = async (responses, _) =>
            {
                for (; written < Total; written++)
                    await responses.WriteAsync(new StreamingOutputCallResponse { Payload = Chunk.Payload });
            },
        });
        using var channel = GrpcChannel.ForAddress(server.Address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { InitialHttp2StreamWindowSize = 65_535 },
            DisposeHttpClient = true,
        });
        using var call = new TestService.TestServiceClient(channel).StreamingOutputCall(
            new StreamingOutputCallRequest(), cancellationToken: cancellationToken);
        Assert.That(await call.ResponseStream.MoveNext(cancellationToken), Is.True);
        var ahead = Volatile.Read(ref written);
        var read = 1;
        while (await call.ResponseStream.MoveNext(cancellationToken))
            read++;

        Assert.That(read, Is.EqualTo(Total));
        Assert.That(ahead, Is.LessThan(Total / 2));
    }

    [Test]
    public async Task Deadline_PassedBeforeTheCall_FailsWithoutSending(CancellationToken cancellationToken)
    {
        var called = false;
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = (_, _) =>
            {
                called = true;
                return Task.FromResult(new SimpleResponse());
            },
        });
        using var channel = server.Channel();
        await Expect.FailureAsync(StatusCode.DeadlineExceeded, async () =>
            await new TestService.TestServiceClient(channel).UnaryCallAsync(
                new SimpleRequest(), deadline: DateTime.UtcNow.AddSeconds(-1), cancellationToken: cancellationToken));
        Assert.That(called, Is.False);
    }

    [Test]
    public async Task Sizes_OverTheChannelsLimits_AreResourceExhausted(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = (_, _) => Task.FromResult(new SimpleResponse { Payload = Chunk.Payload }),
        });
        using var channel = GrpcChannel.ForAddress(
            server.Address, new GrpcChannelOptions { MaxReceiveMessageSize = 1000, MaxSendMessageSize = 1000 });
        var client = new TestService.TestServiceClient(channel);
        var received = await Expect.FailureAsync(StatusCode.ResourceExhausted, async () =>
            await client.UnaryCallAsync(new SimpleRequest(), cancellationToken: cancellationToken));
        var sent = await Expect.FailureAsync(StatusCode.ResourceExhausted, async () =>
            await client.UnaryCallAsync(
                new SimpleRequest { Payload = Chunk.Payload }, cancellationToken: cancellationToken));
        Assert.That(received.Status.Detail, Does.StartWith("Received"));
        Assert.That(sent.Status.Detail, Does.StartWith("Sending"));
    }

    [Test]
    public async Task Write_WhileOneIsUnderWay_IsRefused(CancellationToken cancellationToken)
    {
        var refused = new TaskCompletionSource<Exception?>();
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Download = async (responses, _) =>
            {
                var message = new StreamingOutputCallResponse { Payload = Chunk.Payload };
                // A write that is accepted found the one before it complete; at last one has to wait for the client.
                var accepted = Task.CompletedTask;
                while (!refused.Task.IsCompleted)
                {
                    var next = responses.WriteAsync(message);
                    if (next.IsFaulted)
                        refused.SetResult(next.Exception.InnerException);
                    else
                        accepted = next;
                }

                await accepted;
            },
        });
        using var channel = server.Channel();
        using var call = new TestService.TestServiceClient(channel).StreamingOutputCall(
            new StreamingOutputCallRequest(), cancellationToken: cancellationToken);
        Assert.That(await refused.Task.WaitAsync(cancellationToken), Is.TypeOf<InvalidOperationException>());
        await foreach (var response in call.ResponseStream.ReadAllAsync(cancellationToken))
            Assert.That(response.Payload.Body, Has.Length.EqualTo(64 * 1024));
    }

    [Test]
    public async Task GetStatus_BeforeTheEnd_IsRefused(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService());
        using var channel = server.Channel();
        using var call = new TestService.TestServiceClient(channel).StreamingInputCall(
            cancellationToken: cancellationToken);
        Assert.That(() => call.GetStatus(), Throws.InvalidOperationException);
    }

    [Test]
    public async Task BlockingCall_Works(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService());
        using var channel = server.Channel();
        var response = new TestService.TestServiceClient(channel).UnaryCall(
            new SimpleRequest(), cancellationToken: cancellationToken);
        Assert.That(response, Is.EqualTo(new SimpleResponse()));
    }
}
