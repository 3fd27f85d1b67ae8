using Grpc.Health.V1;
using Sidecar.Background;

namespace Sidecar.Hosting.Probes;

/// <summary>
/// Keeps the health service's answers true. <c>liveness</c> is serving as long as the process answers at all, so
/// that a full disk never makes the kubelet restart it; <c>readiness</c>, the server as a whole and each service
/// follow <see cref="Readiness"/>.
/// </summary>
internal sealed class HealthStatus(HealthService health, Readiness readiness, LoopHealth loops, TimeProvider clock)
    : PeriodicService("health_status", TimeSpan.FromSeconds(1), FirstRound.AfterTheInterval, loops, clock)
{
    private static readonly string[] Services =
    [
        "", "readiness", Glance.Sidecar.V1.Staging.Descriptor.FullName, Glance.Sidecar.V1.Imports.Descriptor.FullName,
        Glance.Sidecar.V1.Peers.Descriptor.FullName,
    ];

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        health.SetStatus("liveness", HealthCheckResponse.Types.ServingStatus.Serving);
        Refresh();
        return base.StartAsync(cancellationToken);
    }

    /// <summary>Not ready any more, at once: the drain has begun.</summary>
    public void Refresh()
    {
        var status = readiness.Obstacle() is null
            ? HealthCheckResponse.Types.ServingStatus.Serving
            : HealthCheckResponse.Types.ServingStatus.NotServing;
        foreach (var service in Services) health.SetStatus(service, status);
    }

    protected override Task RoundAsync(CancellationToken stoppingToken)
    {
        Refresh();
        return Task.CompletedTask;
    }
}
