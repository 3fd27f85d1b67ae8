using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Rpc.Messages;
using Sidecar.Stores.Writing;

namespace Sidecar.Rpc;

/// <summary>The Stores service: turns messages into calls of the stores slice.</summary>
internal sealed class StoresService(StoreWrites writes, ForwardMark mark, TimeProvider time) : Glance.Sidecar.V1.Stores.StoresBase
{
    // Often enough for a progress bar, and for a caller that tells others that it lives.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public override async Task StoreOutput(
        StoreOutputRequest request, IServerStreamWriter<StoreOutputEvent> responseStream, ServerCallContext context)
    {
        mark.RefusePeers(context);
        var write = writes.Start(StoreMessages.ToRequest(request));
        var told = -1L;
        while (!write.Completion.IsCompleted)
        {
            if (write.Done is var done && done != told)
            {
                told = done;
                await responseStream.WriteAsync(Event(write), context.CancellationToken);
            }

            await Task.WhenAny(write.Completion, Task.Delay(Interval, time, context.CancellationToken));
            context.CancellationToken.ThrowIfCancellationRequested();
        }

        var image = await write.Completion;
        await responseStream.WriteAsync(
            new StoreOutputEvent { BytesDone = (ulong)image.Size, BytesTotal = (ulong)image.Size, Image = StoreMessages.ToMessage(image) },
            context.CancellationToken);
    }

    public override async Task<DiscardStoredResponse> DiscardStored(DiscardStoredRequest request, ServerCallContext context)
    {
        mark.RefusePeers(context);
        var key = StoreMessages.ToKey(request.SourceId, request.Store);
        return new DiscardStoredResponse { Discarded = await writes.DiscardAsync(key, StoreMessages.ToTarget(request.Target)) };
    }

    public override Task<ConfirmStoredResponse> ConfirmStored(ConfirmStoredRequest request, ServerCallContext context)
    {
        mark.RefusePeers(context);
        return Task.FromResult(new ConfirmStoredResponse
        {
            Confirmed = writes.Confirm(StoreMessages.ToKey(request.SourceId, request.Store)),
        });
    }

    private static StoreOutputEvent Event(StoreWrite write) =>
        new() { BytesDone = (ulong)write.Done, BytesTotal = (ulong)write.Total };
}
