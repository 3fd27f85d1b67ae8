using Sidecar.Import;
using Sidecar.Peers.Transfer;
using Sidecar.Staging;

namespace Sidecar.Hosting;

/// <summary>Removes, every few minutes, what nobody wants any more: expired uploads and imports.</summary>
internal sealed class Janitor(
    StagingArea area, ImportQueue imports, BroughtOutputs outputs, TimeProvider clock, ILogger<Janitor> logger)
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
            await imports.SweepAsync(clock.GetUtcNow(), stoppingToken);
            await outputs.SweepAsync(clock.GetUtcNow());
            await area.SweepAsync(stoppingToken);
        }
        catch (IOException failure)
        {
            HostingLog.JanitorFailed(logger, failure);
        }
    }
}
