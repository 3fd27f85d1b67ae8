using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import;
using Sidecar.Staging;

namespace Sidecar.Rpc;

/// <summary>The Imports service: turns messages into calls of the import slice and its refusals into statuses.</summary>
internal sealed class ImportsService(ImportQueue imports, StagingArea area, StagingContext staging)
    : Imports.ImportsBase
{
    private string Owner => staging.Options.PodName;

    public override Task RunImport(
        RunImportRequest request, IServerStreamWriter<ImportEvent> responseStream, ServerCallContext context) =>
        StatusMap.GuardAsync(async () =>
        {
            var started = imports.Start(ImportMessages.ToRequest(request));
            ImportSnapshot? last = null;
            await foreach (var import in imports.WatchAsync(started.ImportId, context.CancellationToken))
            {
                last = import;
                var update = new ImportEvent { Import = import.ToMessage(Owner) };
                await responseStream.WriteAsync(update, context.CancellationToken);
            }

            if (last?.Failure is { } failure) throw StatusMap.ToRpc(failure);
            return last;
        });

    public override Task<Glance.Sidecar.V1.Import> GetImport(GetImportRequest request, ServerCallContext context) =>
        StatusMap.Guard(() => imports.Get(ImportMessages.ToImportId(request.ImportId)).ToMessage(Owner));

    public override Task ListImports(
        ListImportsRequest request, IServerStreamWriter<Glance.Sidecar.V1.Import> responseStream,
        ServerCallContext context) => StatusMap.GuardAsync(async () =>
        {
            var wanted = request.ImageId.Length == 0 ? (ImageId?)null : ImageId.Parse(request.ImageId);
            var found = imports.List(wanted);
            foreach (var import in found)
            {
                await responseStream.WriteAsync(import.ToMessage(Owner), context.CancellationToken);
            }

            return found.Count;
        });

    public override Task<Glance.Sidecar.V1.Import> CancelImport(
        CancelImportRequest request, ServerCallContext context) => StatusMap.GuardAsync(async () =>
        {
            var id = ImportMessages.ToImportId(request.ImportId);
            return (await imports.CancelAsync(id, context.CancellationToken)).ToMessage(Owner);
        });

    public override Task<ReleaseImportResponse> ReleaseImport(
        ReleaseImportRequest request, ServerCallContext context) => StatusMap.GuardAsync(async () =>
        {
            var id = ImportMessages.ToImportId(request.ImportId);
            var image = imports.Get(id).Request.ImageId;
            var freed = await imports.ReleaseAsync(id);
            // Another import of the image may still need its bytes; the last one to be released removes them.
            if (!request.KeepImage && imports.List(image).Count == 0)
            {
                freed += (await area.DeleteImageAsync(image, CancellationToken.None)).FreedBytes;
            }

            return new ReleaseImportResponse { FreedBytes = (ulong)freed };
        });
}
