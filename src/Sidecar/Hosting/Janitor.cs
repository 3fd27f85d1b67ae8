using Sidecar.Import;
using Sidecar.Peers.Deleting;
using Sidecar.Peers.Transfer;
using Sidecar.Staging;

namespace Sidecar.Hosting;

/// <summary>
/// Removes, every few minutes, what nobody wants any more: expired uploads, imports, brought outputs and tombstones.
/// </summary>
internal sealed class Janitor(
    StagingArea area, ImportQueue imports, BroughtOutputs outputs, Tombstones tombstones, HostingMetrics metrics,
    TimeProvider clock, ILogger<Janitor> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            await SweepAsync(stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task SweepAsync(CancellationToken stoppingToken)
    {
        try
        {
            metrics.Removed("import", await imports.SweepAsync(clock.GetUtcNow(), stoppingToken));
            metrics.Removed("output", await outputs.SweepAsync(clock.GetUtcNow()));
            metrics.Removed("upload", await area.SweepAsync(stoppingToken));
            metrics.Removed("tombstone", tombstones.Sweep(clock.GetUtcNow()));
            metrics.Swept(succeeded: true);
        }
        catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
        {
            // Whatever it was: the next sweep may succeed, and an exception that left this loop would end the daemon.
            metrics.Swept(succeeded: false);
            HostingLog.JanitorFailed(logger, failure);
        }
    }
}
