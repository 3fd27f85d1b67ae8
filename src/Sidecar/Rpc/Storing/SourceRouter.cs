using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Routing.Forwarding;
using Sidecar.Routing.Locating;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Rpc.Storing;

/// <summary>
/// Has calls of the Stores service answered where the source is: here, or, when the caller names its image, at the pod that has it. Peers
/// may only ask on behalf of callers of theirs.
/// </summary>
internal sealed class SourceRouter(OwnerRouter router, ForwardMark mark, PodIdentity self)
{
    /// <param name="imageId">Of the request; empty: it is answered here.</param>
    /// <param name="isHere">This pod has what the call is about.</param>
    /// <exception cref="StoreException">StoreSourceGone when no pod has it.</exception>
    public async Task<T> RouteAsync<T>(
        StoreKey key, string imageId, Forwarded? forwarded, ServerCallContext caller, Func<bool> isHere, Func<Task<T>> here,
        Func<Peer, Task<T>> there)
    {
        if (forwarded is null) mark.RefusePeers(caller);
        else if (mark.IsOn(forwarded, caller)) return await AnswerPeerAsync(key, isHere, here);
        if (imageId.Length == 0 || isHere()) return await here();
        try
        {
            return await router.RouteAsync(new RoutedCall(Subject(key, ImageId.Parse(imageId)), "", null, caller), here, there);
        }
        catch (StagingException nowhere) when (nowhere.Error == StagingError.ImageNotFound)
        {
            throw Gone(key, nowhere.Message);
        }
        catch (ImportException nowhere) when (nowhere.Error == ImportError.ImportNotFound)
        {
            throw Gone(key, nowhere.Message);
        }
    }

    /// <summary>What the call is about: the output of an import lies where that ran, which its image may have left.</summary>
    public static ResourceId Subject(StoreKey key, ImageId image) =>
        ResourceId.Image(image) is var staged && staged.Id == key.SourceId ? staged : ResourceId.Import(key.SourceId);

    // The caller's own pod may be able to do what this one is not.
    private async Task<T> AnswerPeerAsync<T>(StoreKey key, Func<bool> isHere, Func<Task<T>> here)
    {
        try
        {
            // Only this tells the peer to look elsewhere.
            if (!isHere()) throw Gone(key, $"Pod {self.Name} has no source {key.SourceId}.");
            return await here();
        }
        catch (StoreException failure)
        {
            throw failure.At(self.Name);
        }
    }

    private static StoreException Gone(StoreKey key, string message) =>
        new(StoreError.StoreSourceGone, message, ("source_id", key.SourceId));
}
