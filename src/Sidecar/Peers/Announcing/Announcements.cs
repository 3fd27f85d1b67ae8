using Glance.Sidecar.V1;
using Sidecar.Peers.Locating;
using Sidecar.Peers.Membership;
using Sidecar.Staging;

namespace Sidecar.Peers.Announcing;

/// <summary>
/// Takes what peers announce. An image that this pod has as well is a duplicate: whoever has the older commit gives
/// it up. Of other images it is remembered who has them.
/// </summary>
internal sealed class Announcements(
    StagingArea area, Self self, PeerDirectory directory, OwnerMemory memory, Duplicates duplicates, Announcer announcer)
{
    public async Task TakeAsync(AnnounceRequest request, CancellationToken cancellationToken)
    {
        var by = request.Forwarded?.By ?? "";
        foreach (var commit in request.Commits)
        {
            if (!ImageId.TryParse(commit.ImageId, out var id) || commit.CommittedAt is not { } at) continue;
            Take(id, by, PeerTime.Read(at));
            await area.RemoveHandOverPartAsync(id, by, cancellationToken);
        }

        if (request.Leaving) directory.Forget(by);
    }

    private void Take(ImageId id, string by, DateTimeOffset committedAt)
    {
        var there = new Copy(by, committedAt, 0);
        if (!area.TryGetImage(id, out var image))
        {
            memory.Hear(Subject.Image(id), there);
            return;
        }

        if (there.Beats(new Copy(self.Name, image.CommittedAt, image.Size))) duplicates.Mark(image, there);
        // It has the older one, and was perhaps not there when this one was announced.
        else announcer.Announce(image);
    }
}
