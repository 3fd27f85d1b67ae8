using Sidecar.Peers.Transfer;
using Sidecar.Staging.Core;

namespace Sidecar.Draining;

/// <summary>
/// The drain of this pod, if there is one: it does not depend on those who watch it, and whoever asks for one while it
/// runs watches the same. Once it is done another one may be asked for, which tries again what was left.
/// </summary>
internal sealed class PodDrain(Func<DrainRun> createRun, TransferContext context) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private DrainRun? _run;
    private Task _task = Task.CompletedTask;

    /// <summary>Starts a drain, or attaches to the one that runs. Nothing new is taken when this returns.</summary>
    /// <param name="grace">How long running uploads and imports may take; of the one that runs it stays as it is.</param>
    public IAsyncEnumerable<Glance.Sidecar.V1.Drain> Start(TimeSpan grace, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_run is null || _run.Progress.HasEnded)
            {
                if (_stop.IsCancellationRequested) throw Stopping();
                var run = _run = createRun();
                run.Begin();
                _task = Task.Run(() => RunAsync(run, grace), CancellationToken.None); // it outlives the caller
            }

            return _run.Progress.WatchAsync(cancellationToken);
        }
    }

    /// <summary>The process ends: what was handed over stays so, the rest stays here.</summary>
    public void Stop() => _stop.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _task;
        _stop.Dispose();
    }

    private async Task RunAsync(DrainRun run, TimeSpan grace)
    {
        try
        {
            await run.RunAsync(grace, _stop.Token);
            run.Progress.End(null);
        }
#pragma warning disable CA1031 // The root of the drain's task: whatever happened is told to those who watch.
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            run.Progress.End(Stopping());
        }
        catch (Exception failure)
        {
            DrainingLog.DrainFailed(context.Log, failure);
            run.Progress.End(failure);
        }
#pragma warning restore CA1031
    }

    private static StagingException Stopping() => new(
        StagingError.Draining, "The sidecar stopped before it was drained: what was not handed over is still on its volume.");
}
