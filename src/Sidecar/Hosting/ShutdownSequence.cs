using Sidecar.Draining;
using Sidecar.Hosting.Listening;
using Sidecar.Hosting.Probes;
using Sidecar.Import.Queue;
using Sidecar.Routing.Outputs;
using Sidecar.Staging;
using Sidecar.Stores.Writing;

namespace Sidecar.Hosting;

/// <summary>
/// The order of stopping. When SIGTERM arrives uploads and imports are told first, so that their calls end with a
/// status that says when to come back; only then Kestrel stops, which waits for calls and would wait for ever for an
/// upload.
/// </summary>
internal sealed class ShutdownSequence(
    StagingArea area, ImportQueue imports, FetchedOutputs outputs, StoreWrites stores, PodDrain drain, HealthStatus health,
    IHostApplicationLifetime lifetime, ILogger<ShutdownSequence> logger)
    : IHostedService
{
    private Task _importsStopped = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(Begin);
        return Task.CompletedTask;
    }

    /// <summary>Waits for the imports, at most until the token fires: a child in a disk wait cannot even be killed.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _importsStopped.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Their journals say that they run still, which the next start reads as interrupted.
            HostingLog.ImportsLeft(logger, imports.Unfinished);
        }
    }

    private void Begin()
    {
        HostingLog.Draining(logger, area.ActiveUploads);
        area.Drain();
        health.Refresh();
        drain.Stop();
        outputs.Stop();
        stores.Stop();
        _importsStopped = imports.StopAsync(CancellationToken.None);
    }
}
