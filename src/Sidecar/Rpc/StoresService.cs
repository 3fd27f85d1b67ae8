using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Routing.Forwarding;
using Sidecar.Rpc.Messages;
using Sidecar.Rpc.Storing;
using Sidecar.Stores.Core;
using Sidecar.Stores.Writing;

namespace Sidecar.Rpc;

/// <summary>The Stores service: turns messages into calls of the stores slice.</summary>
internal sealed class StoresService(
    StoreOutputCall output, StoreWrites writes, SourceRouter router, Forwarder forwarder, ForwardMark mark, StoreMetrics metrics)
    : Glance.Sidecar.V1.Stores.StoresBase
{
    public override Task StoreOutput(
        StoreOutputRequest request, IServerStreamWriter<StoreOutputEvent> responseStream, ServerCallContext context) =>
        output.RunAsync(request, responseStream, context);

    public override async Task<DiscardStoredResponse> DiscardStored(DiscardStoredRequest request, ServerCallContext context)
    {
        var key = StoreMessages.ToKey(request.SourceId, request.Store);
        var target = StoreMessages.ToTarget(request.Target);
        var forwarded = request.Clone();
        forwarded.Forwarded = mark.Message();
        return await AskAsync(
            router.RouteAsync(
                key, request.ImageId, request.Forwarded, context, () => Knows(key),
                async () => new DiscardStoredResponse { Discarded = await writes.DiscardAsync(key, target) },
                // Not twice: the second answer would be that there is nothing.
                owner => forwarder.AskAsync(owner, context, again: false, options => owner.Stores.DiscardStoredAsync(forwarded, options))),
            request.Forwarded);
    }

    public override async Task<ConfirmStoredResponse> ConfirmStored(ConfirmStoredRequest request, ServerCallContext context)
    {
        var key = StoreMessages.ToKey(request.SourceId, request.Store);
        var forwarded = request.Clone();
        forwarded.Forwarded = mark.Message();
        return await AskAsync(
            router.RouteAsync(
                key, request.ImageId, request.Forwarded, context, () => Knows(key),
                () => Task.FromResult(new ConfirmStoredResponse { Confirmed = writes.Confirm(key) }),
                owner => forwarder.AskAsync(owner, context, again: true, options => owner.Stores.ConfirmStoredAsync(forwarded, options))),
            request.Forwarded);
    }

    public override Task<NoteFallbackResponse> NoteFallback(NoteFallbackRequest request, ServerCallContext context)
    {
        mark.RefusePeers(context);
        metrics.FellBack(StoreMessages.ToKind(request.Kind), StoreMessages.ToReason(request.Reason));
        return Task.FromResult(new NoteFallbackResponse());
    }

    private bool Knows(StoreKey key) => writes.Knows(key) || writes.HasSource(key.SourceId);

    /// <summary>Where no pod has it there is nothing to discard or to confirm; a peer has to know that it asked the wrong one.</summary>
    private static async Task<T> AskAsync<T>(Task<T> answer, Forwarded? forwarded) where T : new()
    {
        try
        {
            return await answer;
        }
        catch (StoreException nowhere) when (nowhere.Error == StoreError.StoreSourceGone && forwarded is null)
        {
            return new T();
        }
        catch (RpcException nowhere) when (Refusal.IsNotThere(nowhere) && forwarded is null)
        {
            return new T();
        }
    }
}
