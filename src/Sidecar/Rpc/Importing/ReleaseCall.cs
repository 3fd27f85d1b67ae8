using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Peers.Calls;
using Sidecar.Routing.Forwarding;
using Sidecar.Routing.Locating;
using Sidecar.Routing.Outputs;
using Sidecar.Staging;
using Sidecar.Stores.Writing;

namespace Sidecar.Rpc.Importing;

/// <summary>
/// The ReleaseImport call: the import at its owner, and then its output where it was fetched to this pod. An output that
/// was fetched to a third pod stays there until the image is deleted or its retention ends.
/// </summary>
internal sealed class ReleaseCall(
    ImportQueue imports, StagingArea area, FetchedOutputs outputs, StoreWrites stores, OwnerRouter router, Forwarder forwarder, ForwardMark mark)
{
    public async Task<ReleaseImportResponse> RunAsync(ReleaseImportRequest request, ServerCallContext caller)
    {
        var id = ImportIds.Parse(request.ImportId);
        var released = await RunAsync(id, request, caller);
        stores.Forget(record => record.SourceId == id);
        return released;
    }

    private async Task<ReleaseImportResponse> RunAsync(Guid id, ReleaseImportRequest request, ServerCallContext caller)
    {
        var wasFetched = outputs.TryGet(id, out _);
        try
        {
            var released = await ReleaseAsync(id, request, caller);
            released.FreedBytes += (ulong)await outputs.RemoveAsync(id);
            return released;
        }
        catch (Exception failure) when (wasFetched && IsGone(failure))
        {
            // The owner has forgotten it already; what is here was all that was left of it.
            return new ReleaseImportResponse { FreedBytes = (ulong)await outputs.RemoveAsync(id) };
        }
    }

    private Task<ReleaseImportResponse> ReleaseAsync(Guid id, ReleaseImportRequest request, ServerCallContext caller)
    {
        var forwarded = new ReleaseImportRequest
        {
            ImportId = request.ImportId, KeepImage = request.KeepImage, Forwarded = mark.Message(),
        };
        return router.RouteAsync(
            new RoutedCall(ResourceId.Import(id), request.OwnerHint, request.Forwarded, caller),
            () => ReleaseHereAsync(id, request.KeepImage),
            // Not twice: the second answer would be that there is no such import.
            owner => forwarder.AskAsync(
                owner, caller, again: false, options => owner.Imports.ReleaseImportAsync(forwarded, options)));
    }

    private async Task<ReleaseImportResponse> ReleaseHereAsync(Guid id, bool keepImage)
    {
        var image = imports.Get(id).Request.ImageId;
        var freed = await imports.ReleaseAsync(id);
        // Another import of the image may still need its bytes; the last one to be released removes them.
        if (!keepImage && imports.List(image).Count == 0)
        {
            freed += (await area.DeleteImageAsync(image, CancellationToken.None)).FreedBytes;
        }

        return new ReleaseImportResponse { FreedBytes = (ulong)freed };
    }

    private static bool IsGone(Exception failure) => failure switch
    {
        ImportException local => local.Error == ImportError.ImportNotFound,
        RpcException answer => Refusal.IsNotThere(answer),
        _ => false,
    };
}
