using Glance.Sidecar.V1;
using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;

namespace Sidecar.SoakTests.Clients;

/// <summary>Deletes images through any pod.</summary>
internal sealed class Deletes(Caller caller, Figures figures, Random random)
{
    /// <summary>Afterwards it is deleted, or may be: until an answer comes, a client asks again.</summary>
    public async Task DeleteAsync(Life life)
    {
        life.Now(Promise.MaybeDeleted, "DeleteImage, not answered");
        var deleted = await caller.AskAsync(
            $"DeleteImage of {life}", random.Next(SoakPods.Count),
            async (pod, deadline) => await pod.Staging.DeleteImageAsync(
                new DeleteImageRequest { ImageId = life.Id }, cancellationToken: deadline));
        if (!deleted.IsGiven) return;
        life.Now(Promise.Deleted, "DeleteImage");
        life.IsPending = deleted.Value!.PendingPeers.Count > 0;
        figures.Count(life.IsPending ? "deletions with peers to be told" : "deletions everywhere");
    }
}
