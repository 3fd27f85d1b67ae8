using Sidecar.Background;
using Sidecar.Staging;
using Sidecar.Staging.Files;

namespace Sidecar.Hosting.Probes;

/// <summary>
/// Whether new work should be sent here. Not the same as being alive: a full or failing disk, a drain or a background
/// loop that fails makes the sidecar unready, and restarting it would help in hardly any of these cases. Asked by every
/// probe, so it looks only at what is known anyway, and asks the volume for its space.
/// </summary>
internal sealed class Readiness(StagingArea area, LoopHealth loops)
{
    /// <summary>Null when ready, else why not. A disk that cannot even be asked is such a reason, never an exception.</summary>
    public string? Obstacle()
    {
        if (area.Draining) return "draining";
        try
        {
            if (area.Space.Snapshot().LowSpace) return "low space: the volume is below its low watermark";
        }
        catch (Exception failure) when (DiskFault.Is(failure))
        {
            return $"disk failed: the space of the volume cannot be read ({failure.Message})";
        }

        var failing = loops.Failing; // once, as it may be another the next time
        return failing.Count > 0 ? Describe(failing[0], failing.Count - 1) : null;
    }

    private static string Describe(FailingLoop loop, int others) =>
        $"background loop failed: {loop.Name} since {loop.Since:u} ({loop.Failure})" + (others > 0 ? $" and {others} more" : "");
}
