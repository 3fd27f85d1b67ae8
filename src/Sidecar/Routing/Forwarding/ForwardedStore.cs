using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Routing.Locating;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Routing.Forwarding;

/// <summary>
/// One StoreOutput that the owner of the source does. It is named by its source and store, so that a broken connection attaches again
/// to the write there; an owner that was restarted begins it anew.
/// </summary>
internal sealed class ForwardedStore(
    ResourceId source, StoreOutputRequest request, IServerStreamWriter<StoreOutputEvent> responses, ServerCallContext caller,
    StreamForwarder streams, ForwardMark mark)
{
    private StreamedCall? _stream;
    private bool _isComplete;

    private StreamedCall Stream => _stream ??= new StreamedCall(
        "StoreOutput", source, caller, "The write may still go on there: ask for the same again to attach to it.");

    /// <summary>Passes on the owner's events up to the last one.</summary>
    /// <exception cref="RpcException">What the owner answered; also that it has no such source any more.</exception>
    public async Task<bool> RunAsync(Peer owner)
    {
        var forwarded = request.Clone();
        forwarded.Forwarded = mark.Message();
        await streams.CopyAsync(
            Stream, owner, (peer, options) => Task.FromResult(peer.Stores.StoreOutput(forwarded, options)), PassOnAsync, () => _isComplete);
        return true;
    }

    private Task PassOnAsync(StoreOutputEvent message)
    {
        _isComplete = message.Image is not null;
        return responses.WriteAsync(message, caller.CancellationToken);
    }
}
