using System.Net;
using Grpc.Health.V1;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Status = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Sidecar.FunctionalTests.Hosting;

/// <summary>The listener that the kubelet's gRPC probes ask: at the pod's address, without TLS.</summary>
internal sealed class HealthListenerTests : SidecarTest
{
    private static readonly string[] Listening = ["--Hosting:HealthAddress", "*:0"];

    [Test]
    public async Task Health_AtTheAddressOfThePod_Serves()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, Listening);
        Assert.That(new Uri(sidecar.Addresses[^2]).Host, Is.EqualTo("[::]").Or.EqualTo("0.0.0.0"));
        using var channel = ChannelTo(sidecar);
        foreach (var service in (string[])["", "liveness", "readiness"])
            Assert.That(await AskAsync(channel, service), Is.EqualTo(Status.Serving), service);
    }

    [Test]
    public async Task Health_OnAFullVolume_StaysAliveAndIsNotReady()
    {
        using var directory = TestDirectory.WithSpace(64 << 20);
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, [.. Listening, "--Staging:ReserveBytes", "0"]);
        using var channel = ChannelTo(sidecar);
        using var watch = new Health.HealthClient(channel).Watch(
            new HealthCheckRequest { Service = "readiness" }, cancellationToken: Deadline);
        await watch.ResponseStream.MoveNext(Deadline);
        Assert.That(watch.ResponseStream.Current.Status, Is.EqualTo(Status.Serving));

        // Glance's own files, or another program's, fill the volume too.
        await File.WriteAllBytesAsync(directory["ballast"], new byte[62 << 20], Deadline);
        while (watch.ResponseStream.Current.Status == Status.Serving)
            Assert.That(await watch.ResponseStream.MoveNext(Deadline), Is.True);
        Assert.That(await AskAsync(channel, "liveness"), Is.EqualTo(Status.Serving));
    }

    [Test]
    public async Task OtherServices_ThroughTheHealthListener_DoNotExist()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, Listening);
        using var http = new HttpClient
        {
            DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        foreach (var path in (string[])["/glance.sidecar.v1.Staging/GetCapacity", "/glance.sidecar.v1.Peers/Drain",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"])
        {
            using var content = new ByteArrayContent([0, 0, 0, 0, 0]);
            content.Headers.ContentType = new("application/grpc");
            using var answer = await http.PostAsync(new Uri(AddressOf(sidecar), path), content, Deadline);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound), path);
        }

        foreach (var path in (string[])["/metrics", "/status.json", "/"])
        {
            using var answer = await http.GetAsync(new Uri(AddressOf(sidecar), path), Deadline);
            Assert.That(answer.IsSuccessStatusCode, Is.False, path);
        }
    }

    [Test]
    public async Task Start_WithoutAnAddress_HasNoSuchListener()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        // The socket, loopback and ops.
        Assert.That(sidecar.Addresses, Has.Count.EqualTo(3));
    }

    // Listeners are logged in the order in which they are set up: this one before ops, which is last.
    private static Uri AddressOf(SidecarInstance sidecar) =>
        new($"http://127.0.0.1:{new Uri(sidecar.Addresses[^2]).Port}");

    private static GrpcChannel ChannelTo(SidecarInstance sidecar) => GrpcChannel.ForAddress(AddressOf(sidecar));

    private static async Task<Status> AskAsync(GrpcChannel channel, string service)
    {
        var answer = await new Health.HealthClient(channel).CheckAsync(
            new HealthCheckRequest { Service = service }, cancellationToken: Deadline);
        return answer.Status;
    }
}
