using Sidecar.Staging;
using Sidecar.Staging.Files;

namespace Sidecar.Hosting.Probes;

/// <summary>
/// Whether new work should be sent here. Not the same as being alive: a full or failing disk or a drain makes the
/// sidecar unready, and restarting it would help in none of these cases.
/// </summary>
internal sealed class Readiness(StagingArea area)
{
    /// <summary>Null when ready, else why not. A disk that cannot even be asked is such a reason, never an exception.</summary>
    public string? Obstacle()
    {
        if (area.Draining) return "draining";
        try
        {
            return area.Space.Snapshot().LowSpace ? "low space: the volume is below its low watermark" : null;
        }
        catch (Exception failure) when (DiskFault.Is(failure))
        {
            return $"disk failed: the space of the volume cannot be read ({failure.Message})";
        }
    }
}
