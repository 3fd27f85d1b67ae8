using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Peers.Calls;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>What a sender is told whose call ends while it still sends.</summary>
internal sealed class StatusOfWritesTests : SidecarTest
{
    private static readonly StageRequest Megabyte = new()
    {
        Chunk = new StageChunk { Data = ByteString.CopyFrom(new byte[1 << 20]) },
    };

    [Test]
    public async Task Write_ToACallThatWasRefused_FailsWithTheRefusal()
    {
        using var directory = TestDirectory.Create();
        await using var server = await ScriptedServer.StartAsync(directory["s"], upload: async (messages, context) =>
        {
            await messages.MoveNext(context.CancellationToken);
            throw new RpcException(new Status(StatusCode.ResourceExhausted, "full"));
        });

        var told = await SendUntilItFailsAsync(server);

        Assert.That((told.StatusCode, told.Status.Detail), Is.EqualTo((StatusCode.ResourceExhausted, "full")));
    }

    [Test]
    public async Task Write_ToACallThatWasAnsweredEarly_SaysSo()
    {
        using var directory = TestDirectory.Create();
        await using var server = await ScriptedServer.StartAsync(
            directory["s"], upload: (_, _) => Task.FromResult(new StagedImage()));

        var told = await SendUntilItFailsAsync(server);

        Assert.That(told.StatusCode, Is.EqualTo(StatusCode.Unavailable));
    }

    [Test]
    public async Task Write_ThatIsAnsweredBeforeItReturns_Succeeds()
    {
        var answer = new TaskCompletionSource<StagedImage>();
        using var call = new StatusOfWrites().AsyncClientStreamingCall<StageRequest, StagedImage>(
            default,
            _ => new AsyncClientStreamingCall<StageRequest, StagedImage>(
                new WriterThatLearnsLast(), answer.Task, Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { }));

        var writing = call.RequestStream.WriteAsync(new StageRequest { Finish = new StageFinish() }, Deadline);
        answer.SetResult(new StagedImage());

        await writing.WaitAsync(Deadline);
        await call.RequestStream.CompleteAsync();
    }

    [Test]
    public async Task Write_WhenTheServerIsGone_IsUnavailable()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var call = sidecar.Staging.Stage(cancellationToken: Deadline);
        await call.RequestStream.WriteAsync(
            new StageRequest { Header = new StageHeader { ImageId = NewId() } }, Deadline);
        await sidecar.KillAsync();

        var told = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (true) await call.RequestStream.WriteAsync(Megabyte, Deadline);
        });

        Assert.That(told!.StatusCode, Is.EqualTo(StatusCode.Unavailable));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Write_ThatItsCallerCancels_IsCancelled(bool beforeItBegins)
    {
        using var directory = TestDirectory.Create();
        var reached = new TaskCompletionSource();
        await using var server = await ScriptedServer.StartAsync(directory["s"], upload: async (_, context) =>
        {
            reached.SetResult();
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return new StagedImage();
        });
        using var channel = SocketChannel.Open(server.Socket);
        using var call = Client(channel).Stage(cancellationToken: Deadline);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Deadline);
        if (beforeItBegins) await giveUp.CancelAsync();

        // More than the server's window: it waits, as nobody reads.
        var writing = call.RequestStream.WriteAsync(Megabyte, giveUp.Token);
        if (!beforeItBegins) await reached.Task.WaitAsync(Deadline);
        await giveUp.CancelAsync();

        Assert.That(
            (await Assert.ThrowsAsync<RpcException>(async () => await writing))!.StatusCode, Is.EqualTo(StatusCode.Cancelled));
    }

    private static async Task<RpcException> SendUntilItFailsAsync(ScriptedServer server)
    {
        using var channel = SocketChannel.Open(server.Socket);
        using var call = Client(channel).Stage(cancellationToken: Deadline);
        return (await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (true) await call.RequestStream.WriteAsync(Megabyte, Deadline);
        }))!;
    }

    private static Glance.Sidecar.V1.Staging.StagingClient Client(Grpc.Net.Client.GrpcChannel channel) =>
        new(channel.Intercept(new StatusOfWrites()));

    /// <summary>A stream whose message reaches the server long before the sender's thread runs again.</summary>
    private sealed class WriterThatLearnsLast : IClientStreamWriter<StageRequest>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(StageRequest message) => Task.Delay(Timeout.Infinite);

        public Task WriteAsync(StageRequest message, CancellationToken cancellationToken) =>
            Task.Delay(Timeout.Infinite, cancellationToken);

        // As the channel's own does.
        public Task CompleteAsync() => throw new InvalidOperationException("The previous write is in progress.");
    }
}
