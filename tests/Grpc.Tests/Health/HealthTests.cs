using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Grpc.Tests.Hosting;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace Grpc.Tests.Health;

[CancelAfter(30_000)]
public sealed class HealthTests
{
    private readonly HealthServiceImpl _health = new();

    [Test]
    public async Task List_KnownServices_GivesEach(CancellationToken cancellationToken)
    {
        _health.SetStatus("a", ServingStatus.Serving);
        _health.SetStatus("b", ServingStatus.NotServing);
        await using var server = await TestServer.StartAsync(_health);
        using var channel = server.Channel();
        var list = await new Grpc.Health.V1.Health.HealthClient(channel).ListAsync(
            new HealthListRequest(), cancellationToken: cancellationToken);
        Assert.That(list.Statuses.ToDictionary(entry => entry.Key, entry => entry.Value.Status), Is.EqualTo(
            new Dictionary<string, ServingStatus> { ["a"] = ServingStatus.Serving, ["b"] = ServingStatus.NotServing }));
    }

    [Test]
    public async Task Check_AfterClear_IsNotFound(CancellationToken cancellationToken)
    {
        _health.SetStatus("a", ServingStatus.Serving);
        _health.ClearStatus("a");
        await using var server = await TestServer.StartAsync(_health);
        using var channel = server.Channel();
        await Expect.FailureAsync(StatusCode.NotFound, async () =>
            await new Grpc.Health.V1.Health.HealthClient(channel).CheckAsync(
                new HealthCheckRequest { Service = "a" }, cancellationToken: cancellationToken));
    }

    [Test]
    public async Task Watch_ServiceThatComesAndGoes_TellsEachChangeOnce(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(_health);
        using var channel = server.Channel();
        using var watch = new Grpc.Health.V1.Health.HealthClient(channel).Watch(
            new HealthCheckRequest { Service = "a" }, cancellationToken: cancellationToken);
        await AssertNextAsync(ServingStatus.ServiceUnknown);
        _health.SetStatus("b", ServingStatus.Serving);
        _health.SetStatus("a", ServingStatus.Serving);
        await AssertNextAsync(ServingStatus.Serving);
        _health.SetStatus("a", ServingStatus.Serving);
        _health.SetStatus("a", ServingStatus.NotServing);
        await AssertNextAsync(ServingStatus.NotServing);
        _health.ClearAll();
        await AssertNextAsync(ServingStatus.ServiceUnknown);

        async Task AssertNextAsync(ServingStatus status)
        {
            Assert.That(await watch.ResponseStream.MoveNext(cancellationToken), Is.True);
            Assert.That(watch.ResponseStream.Current.Status, Is.EqualTo(status));
        }
    }

    [Test]
    public async Task Watch_ServerStops_EndsInsteadOfHoldingItUp(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(_health);
        using var channel = server.Channel();
        using var watch = new Grpc.Health.V1.Health.HealthClient(channel).Watch(
            new HealthCheckRequest(), cancellationToken: cancellationToken);
        Assert.That(await watch.ResponseStream.MoveNext(cancellationToken), Is.True);
        var stopping = server.StopAsync();
        await Expect.FailureAsync(StatusCode.Unavailable, () => watch.ResponseStream.MoveNext(cancellationToken));
        await stopping;
    }
}
