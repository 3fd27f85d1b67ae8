using Grpc.Core;
using Grpc.Testing;
using Grpc.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.Tests.Server;

[CancelAfter(30_000)]
public sealed class ActivationTests
{
    [Test]
    public async Task Call_UnregisteredService_IsMadeAndDisposedForEach(CancellationToken cancellationToken)
    {
        var births = new Births();
        await using var server = await TestServer.StartAsync(
            app => app.MapGrpcService<Mayfly>(), register: services => services.AddSingleton(births));
        using var channel = server.Channel();
        var client = new TestService.TestServiceClient(channel);
        await client.EmptyCallAsync(new Empty(), cancellationToken: cancellationToken);
        await client.EmptyCallAsync(new Empty(), cancellationToken: cancellationToken);
        Assert.That(births.Born, Is.EqualTo(2));
        Assert.That(births.Died, Is.EqualTo(2));
    }

    [Test]
    public async Task Call_Singleton_IsSharedAndKept(CancellationToken cancellationToken)
    {
        var births = new Births();
        await using var server = await TestServer.StartAsync(new Mayfly(births));
        using var channel = server.Channel();
        var client = new TestService.TestServiceClient(channel);
        await client.EmptyCallAsync(new Empty(), cancellationToken: cancellationToken);
        await client.EmptyCallAsync(new Empty(), cancellationToken: cancellationToken);
        Assert.That(births.Born, Is.EqualTo(1));
        Assert.That(births.Died, Is.Zero);
    }

    [Test]
    public async Task Context_OfACall_KnowsItsHttpRequest(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = (_, context) => Task.FromResult(new SimpleResponse
            {
                Username = context.GetHttpContext().Request.Protocol,
                Hostname = context.Peer,
                ServerId = context.Method,
            }),
        });
        using var channel = server.Channel();
        var response = await new TestService.TestServiceClient(channel).UnaryCallAsync(
            new SimpleRequest(), cancellationToken: cancellationToken);
        Assert.That(response.Username, Is.EqualTo("HTTP/2"));
        Assert.That(response.Hostname, Does.StartWith("ipv4:127.0.0.1:"));
        Assert.That(response.ServerId, Is.EqualTo("/grpc.testing.TestService/UnaryCall"));
    }

    private sealed class Births
    {
        public int Born { get; set; }

        public int Died { get; set; }
    }

    private sealed class Mayfly : TestService.TestServiceBase, IDisposable
    {
        private readonly Births _births;

        public Mayfly(Births births)
        {
            _births = births;
            births.Born++;
        }

        public override Task<Empty> EmptyCall(Empty request, ServerCallContext context) =>
            Task.FromResult(new Empty());

        public void Dispose() => _births.Died++;
    }
}
