using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Peers.Calls;
using Sidecar.Routing.Forwarding;
using Sidecar.Routing.Locating;
using Sidecar.Routing.Outputs;
using Sidecar.Rpc.Images;
using Sidecar.Rpc.Importing;
using Sidecar.Rpc.Messages;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc;

/// <summary>The Imports service: turns messages into calls of the import slice.</summary>
internal sealed class ImportsService(
    ImportQueue imports, StagingContext staging, RunImportCall run, OwnerRouter router,
    Forwarder forwarder, ForwardMark mark, OutputFetcher fetcher, ReleaseCall release, InspectCall inspect) : Imports.ImportsBase
{
    private string Owner => staging.Options.PodName;

    public override Task RunImport(
        RunImportRequest request, IServerStreamWriter<ImportEvent> responseStream, ServerCallContext context) =>
        run.RunAsync(request, responseStream, context);

    public override Task<Glance.Sidecar.V1.Import> GetImport(GetImportRequest request, ServerCallContext context)
    {
        var id = ImportIds.Parse(request.ImportId);
        var forwarded = new GetImportRequest { ImportId = request.ImportId, Forwarded = mark.Message() };
        return router.RouteAsync(
            new RoutedCall(ResourceId.Import(id), request.OwnerHint, request.Forwarded, context),
            () => Task.FromResult(imports.Get(id).ToMessage(Owner)),
            async owner => fetcher.ShowHere(await forwarder.AskAsync(
                owner, context, again: true, options => owner.Imports.GetImportAsync(forwarded, options))));
    }

    public override async Task ListImports(
        ListImportsRequest request, IServerStreamWriter<Glance.Sidecar.V1.Import> responseStream,
        ServerCallContext context)
    {
        var wanted = request.ImageId.Length == 0 ? (ImageId?)null : ImageId.Parse(request.ImageId);
        foreach (var import in imports.List(wanted))
        {
            await responseStream.WriteAsync(import.ToMessage(Owner), context.CancellationToken);
        }
    }

    public override Task<Glance.Sidecar.V1.Import> CancelImport(
        CancelImportRequest request, ServerCallContext context)
    {
        var id = ImportIds.Parse(request.ImportId);
        var forwarded = new CancelImportRequest { ImportId = request.ImportId, Forwarded = mark.Message() };
        return router.RouteAsync(
            new RoutedCall(ResourceId.Import(id), request.OwnerHint, request.Forwarded, context),
            async () => (await imports.CancelAsync(id, context.CancellationToken)).ToMessage(Owner),
            owner => forwarder.AskAsync(
                owner, context, again: true, options => owner.Imports.CancelImportAsync(forwarded, options)));
    }

    public override Task<ReleaseImportResponse> ReleaseImport(
        ReleaseImportRequest request, ServerCallContext context) =>
        release.RunAsync(request, context);

    public override Task<InspectResponse> Inspect(InspectRequest request, ServerCallContext context) =>
        Task.FromResult(inspect.Run(request));
}
