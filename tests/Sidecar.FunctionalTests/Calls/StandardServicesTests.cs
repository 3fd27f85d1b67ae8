using Glance.Sidecar.V1;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Microsoft.AspNetCore.Routing;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Hosting;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>Health and reflection, as the standard protos have them.</summary>
internal sealed class StandardServicesTests : SidecarTest
{
    [Test]
    public async Task Reflection_TellsOfEveryServiceThatIsMapped_AndOfNoOther()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);

        var told = await AskAsync(sidecar, new ServerReflectionRequest { ListServices = "" });

        Assert.That(told.ListServicesResponse.Service.Select(service => service.Name), Is.EquivalentTo(await MappedAsync(directory)));
    }

    [Test]
    public async Task Reflection_GivesTheFilesOfAService_WithThoseThatTheyStandOn()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);

        var told = await AskAsync(
            sidecar, new ServerReflectionRequest { FileContainingSymbol = "glance.sidecar.v1.Imports" });

        var files = told.FileDescriptorResponse.FileDescriptorProto
            .Select(file => FileDescriptorProto.Parser.ParseFrom(file)).ToDictionary(file => file.Name);
        Assert.That(files.Keys, Does.Contain("glance/sidecar/v1/imports.proto"));
        Assert.That(
            files["glance/sidecar/v1/imports.proto"].Service.Single().Method.Select(method => method.Name),
            Is.EquivalentTo(Imports.Descriptor.Methods.Select(method => method.Name)));
        Assert.That(files.Values.SelectMany(file => file.Dependency).Except(files.Keys), Is.Empty);
    }

    [Test]
    public async Task Health_ListIsNotOffered_AndWatchTellsOfANameThatNobodyKnows()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var raw = new RawCalls(sidecar.Socket);

        var list = await raw.SendAsync("/grpc.health.v1.Health/List", Frames.Of([]), Deadline);
        Assert.That(list.Status, Is.EqualTo("12"));

        using var watch = new Health.HealthClient(sidecar.Channel).Watch(
            new HealthCheckRequest { Service = "nobody" }, cancellationToken: Deadline);
        await watch.ResponseStream.MoveNext(Deadline);
        Assert.That(
            watch.ResponseStream.Current.Status, Is.EqualTo(HealthCheckResponse.Types.ServingStatus.ServiceUnknown));
    }

    [Test]
    public async Task Health_WatchOfADaemonThatStops_IsUnavailable()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var watch = new Health.HealthClient(sidecar.Channel).Watch(
            new HealthCheckRequest { Service = "liveness" }, cancellationToken: Deadline);
        await watch.ResponseStream.MoveNext(Deadline);

        Assert.That(await sidecar.TerminateAsync(), Is.Zero);
        var end = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await watch.ResponseStream.MoveNext(Deadline)) continue;
        });
        Assert.That(end!.StatusCode, Is.EqualTo(StatusCode.Unavailable));
    }

    // Of the very composition that the daemon runs, in this process.
    private static async Task<IEnumerable<string>> MappedAsync(TestDirectory directory)
    {
        await using var app = SidecarHost.Build(["--Staging:Directory", directory["other"]]);
        var routes = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints);
        return [.. routes.Select(route => route.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.ServiceName)
            .OfType<string>().Distinct()];
    }

    private static async Task<ServerReflectionResponse> AskAsync(SidecarInstance sidecar, ServerReflectionRequest request)
    {
        using var call = new ServerReflection.ServerReflectionClient(sidecar.Channel)
            .ServerReflectionInfo(cancellationToken: Deadline);
        await call.RequestStream.WriteAsync(request, Deadline);
        await call.RequestStream.CompleteAsync();
        Assert.That(await call.ResponseStream.MoveNext(Deadline), Is.True);
        return call.ResponseStream.Current;
    }
}
