using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Core;
using Sidecar.Routing.Core;
using Sidecar.Routing.Locating;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Routing.Announcing;

/// <summary>An older copy that this pod holds, and the pod that has the newer one.</summary>
/// <param name="Image">The copy here.</param>
/// <param name="Newer">The copy there.</param>
/// <param name="Due">When the copy here may go.</param>
internal sealed record Duplicate(StagedImage Image, Copy Newer, DateTimeOffset Due);

/// <summary>
/// The images of which another pod has a newer commit. Requests for them go there. In memory only: after a restart
/// the announcements come again.
/// </summary>
internal sealed class Duplicates(
    StagingArea area, ForwardingMetrics metrics, IOptions<PeersOptions> options, TimeProvider clock, ILogger<Duplicates> logger)
{
    private readonly ConcurrentDictionary<ImageId, Duplicate> _marks = new();

    public IEnumerable<Duplicate> DueBy(DateTimeOffset now) => _marks.Values.Where(mark => mark.Due <= now);

    /// <summary>Notes that a newer copy was announced.</summary>
    public void Mark(StagedImage image, Copy newer)
    {
        if (TryGet(image.Id, out var known))
        {
            if (newer.Beats(known.Newer)) _marks.TryUpdate(image.Id, known with { Newer = newer }, known);
            return;
        }

        var delay = options.Value.DuplicateDelay;
        if (!_marks.TryAdd(image.Id, new Duplicate(image, newer, clock.GetUtcNow() + delay))) return;
        metrics.Duplicate("found");
        RoutingLog.DuplicateFound(logger, image.Id, newer.Owner, delay);
    }

    /// <summary>Whether another pod has a newer copy than this pod. A mark of a copy that is gone counts no more.</summary>
    public bool TryGet(ImageId id, [NotNullWhen(true)] out Duplicate? duplicate)
    {
        if (!_marks.TryGetValue(id, out duplicate)) return false;
        if (area.TryGetImage(id, out var image) && image.CommittedAt == duplicate.Image.CommittedAt) return true;
        Unmark(duplicate);
        return false;
    }

    /// <summary>The newer copy is gone, or the one here is.</summary>
    public void Unmark(Duplicate duplicate) => _marks.TryRemove(new(duplicate.Image.Id, duplicate));

    public void Postpone(Duplicate duplicate, TimeSpan time) =>
        _marks.TryUpdate(duplicate.Image.Id, duplicate with { Due = clock.GetUtcNow() + time }, duplicate);
}
