using Glance.Sidecar.V1;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Locating;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Routing.Announcing;

/// <summary>
/// Takes what peers announce. An image that this pod has as well is a duplicate: whoever has the older commit gives
/// it up. Of other images it is remembered who has them.
/// </summary>
internal sealed class Announcements(
    StagingArea area, PodIdentity self, PeerDirectory directory, OwnerMemory memory, Duplicates duplicates, Announcer announcer)
{
    public async Task TakeAsync(AnnounceRequest request, CancellationToken cancellationToken)
    {
        var by = request.Forwarded?.By ?? "";
        var clock = directory.Find(by)?.State.Clock ?? PeerClock.Unknown;
        foreach (var commit in request.Commits)
        {
            if (!ImageId.TryParse(commit.ImageId, out var id) || commit.CommittedAt is not { } at) continue;
            Take(id, by, clock, PeerTime.Read(at));
            await area.RemoveHandOverPartAsync(id, by, cancellationToken);
        }

        if (request.Leaving) directory.Forget(by, request.Forwarded?.Instance ?? "");
    }

    private void Take(ImageId id, string by, PeerClock clock, DateTimeOffset committedAt)
    {
        if (!area.TryGetImage(id, out var image))
        {
            memory.Hear(ResourceId.Image(id), new Copy(by, clock.Here(committedAt), 0));
            return;
        }

        // Each of the two gives its copy up only for one that is surely newer, so that whatever their clocks say one stays; and
        // reminds the other only of what is surely newer, or the two would remind each other for ever.
        var here = new Copy(self.Name, image.CommittedAt, image.Size);
        if (new Copy(by, clock.Earliest(committedAt), 0).Beats(here)) duplicates.Mark(image, new Copy(by, committedAt, 0));
        // It has the older one, and was perhaps not there when this one was announced.
        else if (here.Beats(new Copy(by, clock.Latest(committedAt), 0))) announcer.Announce(image);
    }
}
