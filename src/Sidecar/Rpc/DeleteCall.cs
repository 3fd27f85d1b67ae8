using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Import;
using Sidecar.Peers;
using Sidecar.Peers.Deleting;
using Sidecar.Peers.Forwarding;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Transfer;
using Sidecar.Staging;

namespace Sidecar.Rpc;

/// <summary>The DeleteImage call: here, and unless told otherwise on every other pod.</summary>
internal sealed class DeleteCall(
    StagingArea area, ImportQueue imports, BroughtOutputs outputs, DeletionTeller peers, PeerDirectory directory, ForwardMark mark,
    IOptions<PeersOptions> options, TimeProvider clock)
{
    public async Task<DeleteImageResponse> RunAsync(DeleteImageRequest request, ServerCallContext caller)
    {
        var id = ImageId.Parse(request.ImageId);
        var asked = RequestTime.Read(request.DeletedAt, "deleted_at");
        var now = clock.GetUtcNow();
        var limit = await LimitAsync(asked, request.Forwarded, caller.CancellationToken);
        var isTold = mark.IsOn(request.Forwarded, caller);
        var forgettable = isTold && asked is not null && options.Value.Enabled ? await peers.HearAsync(id, limit) : null;
        var deleted = await DeleteHereAsync(id, limit, caller.CancellationToken);
        // The pod that told it does so again.
        if (forgettable is not null) throw forgettable;
        if (isTold || request.OnlyHere || !options.Value.Enabled) return deleted;
        var elsewhere = await peers.TellAllAsync(id, asked ?? now, caller);
        deleted.Existed |= elsewhere.Existed;
        deleted.FreedBytes += (ulong)elsewhere.FreedBytes;
        deleted.PendingPeers.Add(elsewhere.Pending);
        return deleted;
    }

    // A peer that tells of a deletion does so by its own clock, and perhaps long after: what was staged here since then stays.
    private async Task<DateTimeOffset> LimitAsync(DateTimeOffset? deletedAt, Forwarded? forwarded, CancellationToken callerGone)
    {
        if (deletedAt is not { } told) return DateTimeOffset.MaxValue;
        if (forwarded is null || !options.Value.Enabled) return told;
        // Just after the start a peer may tell before it was asked for its time.
        await Task.WhenAny(directory.Ready, Task.Delay(options.Value.LocateTimeout, clock, callerGone));
        callerGone.ThrowIfCancellationRequested();
        return directory.Find(forwarded.By)?.State.Clock.Earliest(told) ?? told;
    }

    private async Task<DeleteImageResponse> DeleteHereAsync(ImageId id, DateTimeOffset limit, CancellationToken callerGone)
    {
        var released = await imports.RemoveForImageAsync(id, limit, callerGone);
        var deleted = await area.DeleteImageAsync(id, limit, callerGone);
        // An import that was started in between has lost its image; nobody would ever release it.
        released += await imports.RemoveForImageAsync(id, limit, callerGone);
        released += await outputs.RemoveForImageAsync(id, limit);
        return new DeleteImageResponse { Existed = deleted.Existed, FreedBytes = (ulong)(deleted.FreedBytes + released) };
    }
}
