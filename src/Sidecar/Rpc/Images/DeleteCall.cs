using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Import.Queue;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Deleting;
using Sidecar.Routing.Outputs;
using Sidecar.Rpc.Messages;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Stores.Writing;

namespace Sidecar.Rpc.Images;

/// <summary>The DeleteImage call: here, and unless told otherwise on every other pod.</summary>
internal sealed class DeleteCall(
    StagingArea area, ImportQueue imports, FetchedOutputs outputs, StoreWrites stores, TombstoneBroadcaster peers, PeerDirectory directory, ForwardMark mark,
    IOptions<PeersOptions> options, TimeProvider clock)
{
    public async Task<DeleteImageResponse> RunAsync(DeleteImageRequest request, ServerCallContext caller)
    {
        var id = ImageId.Parse(request.ImageId);
        var asked = RequestTime.Read(request.DeletedAt, "deleted_at");
        var deletedAt = RequestTime.Past(asked ?? DateTimeOffset.MaxValue, clock);
        var limit = await LimitAsync(asked, request.Forwarded, caller.CancellationToken);
        var isTold = mark.IsOn(request.Forwarded, caller);
        var forgettable = isTold && asked is not null && options.Value.Enabled ? await peers.HearAsync(id, limit) : null;
        var deleted = await DeleteHereAsync(id, limit, caller.CancellationToken);
        // The pod that told it does so again.
        if (forgettable is not null) throw forgettable;
        if (isTold || request.OnlyHere || !options.Value.Enabled) return deleted;
        var elsewhere = await peers.TellAllAsync(id, deletedAt, caller);
        deleted.Existed |= elsewhere.Existed;
        deleted.FreedBytes += (ulong)elsewhere.FreedBytes;
        deleted.PendingPeers.Add(elsewhere.Pending);
        return deleted;
    }

    // A peer that tells of a deletion does so by its own clock, and perhaps long after: what was staged here since then stays.
    private async Task<DateTimeOffset> LimitAsync(DateTimeOffset? deletedAt, Forwarded? forwarded, CancellationToken callerGone)
    {
        if (deletedAt is not { } told) return DateTimeOffset.MaxValue;
        if (forwarded is null || !options.Value.Enabled) return RequestTime.Past(told, clock);
        // Just after the start a peer may tell before it was asked for its time.
        await Task.WhenAny(directory.Ready, Task.Delay(options.Value.LocateTimeout, clock, callerGone));
        callerGone.ThrowIfCancellationRequested();
        return RequestTime.Past(directory.Find(forwarded.By)?.State.Clock.Earliest(told) ?? told, clock);
    }

    private async Task<DeleteImageResponse> DeleteHereAsync(ImageId id, DateTimeOffset limit, CancellationToken callerGone)
    {
        var released = await imports.RemoveForImageAsync(id, limit, callerGone);
        var deleted = await area.DeleteImageAsync(id, limit, callerGone);
        // An import that was started in between has lost its image; nobody would ever release it.
        released += await imports.RemoveForImageAsync(id, limit, callerGone);
        released += await outputs.RemoveForImageAsync(id, limit);
        stores.Forget(record => record.ImageId == id);
        return new DeleteImageResponse { Existed = deleted.Existed, FreedBytes = (ulong)(deleted.FreedBytes + released) };
    }
}
