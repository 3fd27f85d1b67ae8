using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Routing.Forwarding;
using Sidecar.Rpc.Messages;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;
using Sidecar.Stores.Writing;

namespace Sidecar.Rpc.Storing;

/// <summary>The StoreOutput call: a source is written where it is, and the progress is told wherever it was asked for.</summary>
internal sealed class StoreOutputCall(
    StoreWrites writes, SourceRouter router, StreamForwarder streams, ForwardMark mark, TimeProvider time)
{
    // Often enough for a progress bar, and for a caller that tells others that it lives.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public Task<bool> RunAsync(StoreOutputRequest request, IServerStreamWriter<StoreOutputEvent> responses, ServerCallContext caller)
    {
        var wanted = StoreMessages.ToRequest(request);
        wanted.Check();
        ForwardedStore? forwarded = null;
        return router.RouteAsync(
            wanted.Key, request.ImageId, request.Forwarded, caller, () => writes.HasSource(wanted.SourceId),
            () => RunHereAsync(wanted, responses, caller.CancellationToken),
            async owner =>
            {
                foreach (var each in wanted.Others.Prepend(wanted)) await writes.LeaveToAnotherAsync(each.Key, each.Target);
                var source = SourceRouter.Subject(wanted.Key, ImageId.Parse(request.ImageId));
                forwarded ??= new ForwardedStore(source, request, responses, caller, streams, mark);
                return await forwarded.RunAsync(owner);
            });
    }

    private async Task<bool> RunHereAsync(
        StoreRequest request, IServerStreamWriter<StoreOutputEvent> responses, CancellationToken callerGone)
    {
        var write = writes.Start(request);
        var told = -1L;
        while (!write.Completion.IsCompleted)
        {
            if (write.Done is var done && done != told)
            {
                told = done;
                await responses.WriteAsync(
                    new StoreOutputEvent { BytesDone = (ulong)done, BytesTotal = (ulong)write.Total }, callerGone);
            }

            await Task.WhenAny(write.Completion, Task.Delay(Interval, time, callerGone));
            callerGone.ThrowIfCancellationRequested();
        }

        var image = await write.Completion;
        await responses.WriteAsync(
            new StoreOutputEvent { BytesDone = (ulong)image.Size, BytesTotal = (ulong)image.Size, Image = StoreMessages.ToMessage(image) },
            callerGone);
        return true;
    }
}
