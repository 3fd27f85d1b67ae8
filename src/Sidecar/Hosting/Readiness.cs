using Sidecar.Staging;

namespace Sidecar.Hosting;

/// <summary>
/// Whether new work should be sent here. Not the same as being alive: a full disk or a drain makes the sidecar
/// unready, and restarting it would help in neither case.
/// </summary>
internal sealed class Readiness(StagingArea area)
{
    /// <summary>Null when ready, else why not.</summary>
    public string? Obstacle()
    {
        if (area.Draining) return "draining";
        return area.Space.Snapshot().LowSpace ? "low space: the volume is below its low watermark" : null;
    }
}
