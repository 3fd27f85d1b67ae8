using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Grpc.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.Tests.Client;

[CancelAfter(30_000)]
public sealed class ChannelTests
{
    [Test]
    public async Task Call_NobodyListens_IsUnavailable(CancellationToken cancellationToken)
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{FreePort()}");
        var failure = await Expect.FailureAsync(StatusCode.Unavailable, async () =>
            await Call(channel, cancellationToken));
        Assert.That(failure.Status.Detail, Does.Contain("127.0.0.1").And.Contain("cannot be reached"));
    }

    [Test]
    public async Task Stream_NobodyListens_WriteFailsToo(CancellationToken cancellationToken)
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{FreePort()}");
        using var call = new TestService.TestServiceClient(channel).FullDuplexCall(
            cancellationToken: cancellationToken);
        await Expect.FailureAsync(StatusCode.Unavailable, () =>
            call.RequestStream.WriteAsync(new StreamingOutputCallRequest(), CancellationToken.None));
        await Expect.FailureAsync(StatusCode.Unavailable, () => call.ResponseHeadersAsync);
    }

    [Test]
    public async Task ForAddress_UnixSocket_ReachesTheServer(CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("grpc-");
        try
        {
            var path = Path.Combine(directory.FullName, "s.sock");
            string? peer = null;
            await using var server = await TestServer.StartAsync(
                app => app.MapGrpcService<ScriptedService>(),
                register: services => services.AddSingleton(new ScriptedService
                {
                    Unary = (_, context) =>
                    {
                        peer = context.Peer;
                        return Task.FromResult(new SimpleResponse());
                    },
                }),
                unixSocket: path);
            using var channel = GrpcChannel.ForAddress("unix:" + path);
            await Call(channel, cancellationToken);
            Assert.That(peer, Is.EqualTo("unix:"));
            Assert.That(channel.Target, Does.EndWith(path));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Test]
    public async Task Call_NoSuchSocketFile_IsUnavailable(CancellationToken cancellationToken)
    {
        using var channel = GrpcChannel.ForAddress("unix:/nonexistent/grpc.sock");
        await Expect.FailureAsync(StatusCode.Unavailable, () => Call(channel, cancellationToken));
    }

    [TestCase("ftp://host")]
    [TestCase("dns:///host")]
    public void ForAddress_OtherScheme_IsRefused(string address) =>
        Assert.That(() => GrpcChannel.ForAddress(address), Throws.ArgumentException);

    [Test]
    public async Task Dispose_CallUnderWay_IsCancelled(CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = async (_, context) =>
            {
                started.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
                return new SimpleResponse();
            },
        });
        var channel = server.Channel();
        var call = Call(channel, cancellationToken);
        await started.Task.WaitAsync(cancellationToken);
        channel.Dispose();
        await Expect.FailureAsync(StatusCode.Cancelled, () => call);
        Assert.That(() => Call(channel, cancellationToken), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task Stop_CallUnderWay_IsFinishedFirst(CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = async (_, _) =>
            {
                started.SetResult();
                await release.Task;
                return new SimpleResponse { Username = "done" };
            },
        });
        using var channel = server.Channel();
        var call = new TestService.TestServiceClient(channel).UnaryCallAsync(
            new SimpleRequest(), cancellationToken: cancellationToken);
        await started.Task.WaitAsync(cancellationToken);
        var stopping = server.StopAsync();
        release.SetResult();
        Assert.That((await call).Username, Is.EqualTo("done"));
        await stopping;
    }

    private static async Task Call(GrpcChannel channel, CancellationToken cancellationToken) =>
        await new TestService.TestServiceClient(channel).UnaryCallAsync(
            new SimpleRequest(), cancellationToken: cancellationToken);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
