using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Background;

/// <summary>
/// Knows which background loops failed in their last round. The first failure of a row is logged with its exception,
/// each is counted, and so is the end of the row: a loop of one round a second would otherwise fill the log.
/// </summary>
internal sealed class LoopHealth
{
    private readonly ConcurrentDictionary<string, bool> _failing = new();
    private readonly Counter<long> _failures;
    private readonly ILogger _logger;

    public LoopHealth(IMeterFactory meters, ILogger<LoopHealth> logger)
    {
        _logger = logger;
        _failures = meters.Create(SidecarActivities.SourceName).CreateCounter<long>(
            "glance_staging_background_failures", "{round}", "Rounds of background loops that failed, by loop.");
    }

    /// <summary>Makes the loop's counter visible before it counts: an increase needs a sample before it.</summary>
    public void Begin(string loop) => _failures.Add(0, Tag(loop));

    public void Failed(string loop, Exception failure)
    {
        _failures.Add(1, Tag(loop));
        if (_failing.TryAdd(loop, true)) BackgroundLog.RoundFailed(_logger, loop, failure);
    }

    public void Succeeded(string loop)
    {
        if (_failing.TryRemove(loop, out _)) BackgroundLog.RoundsWorkAgain(_logger, loop);
    }

    private static KeyValuePair<string, object?> Tag(string loop) => new("loop", loop);
}
