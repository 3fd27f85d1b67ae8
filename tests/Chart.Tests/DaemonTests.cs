using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using Grpc.Health.V1;
using Grpc.Net.Client;
using NUnit.Framework;
using Status = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Chart.Tests;

/// <summary>The daemon starts with what the chart gives it, and answers the probes that the chart asks for.</summary>
internal sealed class DaemonTests : ChartTest
{
    private static string[] Sets => Repository.ValueSets;

    [TestCaseSource(nameof(Sets))]
    public async Task Daemon_Starts_AndAnswersItsProbes(string set)
    {
        await using var pod = await PodProcess.StartAsync(set, Deadline);
        var container = await (await Renderer.ManifestsAsync(set)).ContainerAsync();
        using var channel = GrpcChannel.ForAddress(pod.Addresses[^2]);
        foreach (var probe in (string[])["startupProbe", "livenessProbe", "readinessProbe"])
        {
            var request = new HealthCheckRequest { Service = container[probe]!["grpc"]!["service"].Text() };
            var answer = await new Health.HealthClient(channel).CheckAsync(request, cancellationToken: Deadline);
            Assert.That(answer.Status, Is.EqualTo(Status.Serving), probe);
        }

        using var http = new HttpClient { BaseAddress = pod.Addresses[^1] };
        Assert.That(await http.GetStringAsync("/metrics", Deadline), Does.Contain("glance_staging_build_info"));
        Assert.That(await http.GetStringAsync("/status.json", Deadline), Does.Contain("\"glance-0\""));
        Assert.That(Directory.Exists(Path.Combine(pod.StagingDirectory, ".sidecar")), Is.True);
    }

    [Test]
    public async Task Daemon_WithPeers_ListensForThem()
    {
        await using var pod = await PodProcess.StartAsync("operator", Deadline);
        // The socket, peers, health and ops.
        Assert.That(pod.Addresses.Select(address => address.Scheme), Is.EqualTo(["http", "https", "http", "http"]));
    }

    [Test]
    public async Task PreStop_DrainsThePod()
    {
        await using var pod = await PodProcess.StartAsync("operator", Deadline);
        var (exit, output, error) = await pod.PreStopAsync();
        Assert.That((exit, error + output), Is.EqualTo((0, error + output)));
        Assert.That(output, Does.Contain("Nothing is left."));
        using var http = new HttpClient { BaseAddress = pod.Addresses[^1] };
        Assert.That(await http.GetStringAsync("/metrics", Deadline), Does.Contain("glance_staging_draining{} 1\n"));
    }
}
