namespace Sidecar.Background;

/// <summary>When the first round of a loop begins.</summary>
internal enum FirstRound
{
    AtOnce,
    AfterTheInterval,
}

/// <summary>
/// A loop that works in rounds for as long as the daemon runs. A round that fails, with whatever exception, is noted in
/// <see cref="LoopHealth"/> and the loop goes on: an exception that left a <see cref="BackgroundService"/> would stop
/// the daemon, and with it every upload, for a round that could be skipped. The pod is not ready until a round succeeds,
/// so the next one comes soon: what fails once is over before a probe has failed twice, whatever the interval.
/// </summary>
/// <param name="loop">Its name in logs and metrics.</param>
internal abstract class PeriodicService(
    string loop, TimeSpan interval, FirstRound first, LoopHealth health, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SlowestRetry = TimeSpan.FromSeconds(30);

    private TimeSpan _retry = FirstRetry;

    /// <summary>False: there is nothing to do with these settings, and no loop.</summary>
    protected virtual bool IsNeeded => true;

    /// <summary>One round. Whatever it throws is logged and counted, and the next round comes all the same.</summary>
    protected abstract Task RoundAsync(CancellationToken stoppingToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!IsNeeded) return;
        health.Begin(loop);
        using var timer = new PeriodicTimer(interval, clock);
        if (first == FirstRound.AtOnce) await TryRoundAsync(timer, stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken)) await TryRoundAsync(timer, stoppingToken);
    }

    private async Task TryRoundAsync(PeriodicTimer timer, CancellationToken stoppingToken)
    {
        try
        {
            await RoundAsync(stoppingToken);
            if (timer.Period != interval) timer.Period = interval;
            _retry = FirstRetry;
            health.Succeeded(loop);
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            // Interrupted by the end of the daemon; the timer's wait ends the loop.
        }
        catch (Exception failure)
        {
            // The root of the loop.
            timer.Period = _retry < interval ? _retry : interval;
            _retry = _retry * 2 < SlowestRetry ? _retry * 2 : SlowestRetry;
            health.Failed(loop, failure);
        }
    }
}
