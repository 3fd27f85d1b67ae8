using System.Buffers;
using Grpc.Core;
using Grpc.Testing;
using Grpc.Tests.Hosting;
using Grpc.Tests.Wire;
using Microsoft.AspNetCore.Builder;

namespace Grpc.Tests.Server;

[CancelAfter(30_000)]
public sealed class BlobServiceTests
{
    [Test]
    public async Task Put_LargeMessages_AreStillWholeAfterTheDeserializer(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new BlobService());
        using var channel = server.Channel();
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(
            BlobService.PutMethod, null, new CallOptions(cancellationToken: cancellationToken));
        for (var i = 0; i < 20; i++)
        {
            var bytes = Frames.Pattern(1 + (i * 50_000), i);
            await call.RequestStream.WriteAsync(new Blob(new(bytes), false), CancellationToken.None);
            Assert.That(await call.ResponseStream.MoveNext(cancellationToken), Is.True);
            Assert.That(call.ResponseStream.Current.Keeps, Is.True);
            Assert.That(call.ResponseStream.Current.Bytes.ToArray().AsSpan().SequenceEqual(bytes), Is.True);
        }

        await call.RequestStream.CompleteAsync();
        Assert.That(await call.ResponseStream.MoveNext(cancellationToken), Is.False);
    }

    [Test]
    public async Task Generated_MethodsOfTheSameService_WorkToo(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(app => app.MapGrpcService<BlobService>());
        using var channel = server.Channel();
        await Expect.FailureAsync(StatusCode.Unimplemented, async () =>
            await new TestService.TestServiceClient(channel).EmptyCallAsync(
                new Empty(), cancellationToken: cancellationToken));
    }

    [Test]
    public void Map_WithoutAddGrpcOrAttribute_IsRefused()
    {
        var bare = WebApplication.CreateSlimBuilder().Build();
        Assert.That(() => bare.MapGrpcService<BlobService>(), Throws.InvalidOperationException);
    }

    [Test]
    public async Task Map_TypeThatIsNoService_IsRefused()
    {
        await using var server = await TestServer.StartAsync(app => Assert.That(
            () => app.MapGrpcService<object>(),
            Throws.InvalidOperationException.With.Message.Contains("BindServiceMethod")));
    }
}
