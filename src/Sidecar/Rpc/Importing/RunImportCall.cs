using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Routing.Forwarding;
using Sidecar.Routing.Locating;
using Sidecar.Routing.Outputs;
using Sidecar.Rpc.Messages;
using Sidecar.Rpc.Statuses;

namespace Sidecar.Rpc.Importing;

/// <summary>The RunImport call: an import runs where its image is, and its progress is told wherever it was asked for.</summary>
internal sealed class RunImportCall(
    ImportQueue imports, OwnerRouter router, StreamForwarder streams, ForwardMark mark, OwnerMemory memory,
    OutputFetcher fetcher, PodIdentity self)
{
    public Task<bool> RunAsync(
        RunImportRequest request, IServerStreamWriter<ImportEvent> responses, ServerCallContext caller)
    {
        var wanted = ImportMessages.ToRequest(request);
        if (wanted.ImportId == Guid.Empty)
        {
            wanted = wanted with { ImportId = Guid.NewGuid() };
            request = request.Clone();
            request.ImportId = wanted.ImportId.ToString("D");
        }

        var route = new RoutedCall(ResourceId.Image(wanted.ImageId), request.OwnerHint, request.Forwarded, caller)
        {
            Import = ResourceId.Import(wanted.ImportId),
        };
        return router.RouteAsync(
            route,
            () => RunHereAsync(wanted, responses, caller.CancellationToken),
            new ForwardedImport(request, responses, caller, streams, mark, memory, fetcher).RunAsync);
    }

    private async Task<bool> RunHereAsync(
        ImportRequest request, IServerStreamWriter<ImportEvent> responses, CancellationToken callerGone)
    {
        var started = imports.Start(request);
        ImportSnapshot? last = null;
        await foreach (var import in imports.WatchAsync(started.ImportId, callerGone))
        {
            last = import;
            await responses.WriteAsync(new ImportEvent { Import = import.ToMessage(self.Name) }, callerGone);
        }

        if (last?.Failure is { } failure) throw StatusMap.ToRpc(failure);
        return true;
    }
}
