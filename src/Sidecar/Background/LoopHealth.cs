using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Background;

/// <summary>
/// Knows which background loops failed in their last round: they make the pod not ready. The first failure of a row is
/// logged with its exception, each is counted, and so is the end of the row: a loop of one round a second would
/// otherwise fill the log.
/// </summary>
internal sealed class LoopHealth
{
    private const int LongestFailure = 500;

    private readonly Lock _lock = new();
    private readonly Counter<long> _failures;
    private readonly ILogger _logger;
    private readonly TimeProvider _clock;

    // Replaced as a whole under the lock, as loops fail at the same time; read without it, by every probe.
    private volatile IReadOnlyList<FailingLoop> _failing = [];

    public LoopHealth(IMeterFactory meters, TimeProvider clock, ILogger<LoopHealth> logger)
    {
        (_clock, _logger) = (clock, logger);
        _failures = meters.Create(SidecarActivities.SourceName).CreateCounter<long>(
            "glance_staging_background_failures", "{round}", "Rounds of background loops that failed, by loop.");
    }

    /// <summary>Those that fail now, in the order in which they began to. Costs nothing to look at.</summary>
    public IReadOnlyList<FailingLoop> Failing => _failing;

    /// <summary>Makes the loop's counter visible before it counts: an increase needs a sample before it.</summary>
    public void Begin(string loop) => _failures.Add(0, Tag(loop));

    public void Failed(string loop, Exception failure)
    {
        _failures.Add(1, Tag(loop));
        bool isFirst;
        lock (_lock)
        {
            var known = Find(loop);
            isFirst = known is null;
            var failing = new FailingLoop(loop, known?.Since ?? _clock.GetUtcNow(), OneLine(failure.Message));
            _failing = isFirst ? [.. _failing, failing] : [.. _failing.Select(other => other == known ? failing : other)];
        }

        if (isFirst) BackgroundLog.RoundFailed(_logger, loop, failure);
    }

    public void Succeeded(string loop)
    {
        // Only the loop itself, which is here, adds and removes its entry.
        if (Find(loop) is null) return;
        lock (_lock) _failing = [.. _failing.Where(other => other.Name != loop)];
        BackgroundLog.RoundsWorkAgain(_logger, loop);
    }

    private FailingLoop? Find(string loop) => _failing.FirstOrDefault(failing => failing.Name == loop);

    private static string OneLine(string text) => new(
        [.. text.Take(LongestFailure).Select(character => char.IsControl(character) ? ' ' : character)]);

    private static KeyValuePair<string, object?> Tag(string loop) => new("loop", loop);
}
