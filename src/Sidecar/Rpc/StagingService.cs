using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import;
using Sidecar.Staging;

namespace Sidecar.Rpc;

/// <summary>The Staging service: turns messages into calls of the staging slice and its refusals into statuses.</summary>
[BindServiceMethod(typeof(StagingService), nameof(BindService))]
internal sealed class StagingService(
    StagingArea area, ImportQueue imports, StagingContext staging, StageCall stage, ImageReader reader)
    : Glance.Sidecar.V1.Staging.StagingBase
{
    public static void BindService(ServiceBinderBase binder, StagingService? service) =>
        Glance.Sidecar.V1.Staging.BindService(new StageFrameBinder(binder, service), service);

    public Task<Glance.Sidecar.V1.StagedImage> Stage(
        IAsyncStreamReader<StageFrame> requestStream, ServerCallContext context) =>
        StatusMap.GuardAsync(() => stage.RunAsync(requestStream, context.CancellationToken));

    public override Task<Glance.Sidecar.V1.Upload> GetUpload(GetUploadRequest request, ServerCallContext context) =>
        StatusMap.Guard(() => area.GetUpload(ImageId.Parse(request.ImageId)).ToMessage());

    public override async Task ListUploads(
        ListUploadsRequest request, IServerStreamWriter<Glance.Sidecar.V1.Upload> responseStream,
        ServerCallContext context)
    {
        foreach (var upload in area.ListUploads())
        {
            await responseStream.WriteAsync(upload.ToMessage(), context.CancellationToken);
        }
    }

    public override Task<AbortUploadResponse> AbortUpload(AbortUploadRequest request, ServerCallContext context) =>
        StatusMap.GuardAsync(async () => new AbortUploadResponse
        {
            Existed = await area.AbortUploadAsync(ImageId.Parse(request.ImageId), context.CancellationToken),
        });

    public override Task<Glance.Sidecar.V1.StagedImage> GetImage(GetImageRequest request, ServerCallContext context) =>
        StatusMap.Guard(() => area.GetImage(ImageId.Parse(request.ImageId)).ToMessage(staging));

    public override async Task ListImages(
        ListImagesRequest request, IServerStreamWriter<Glance.Sidecar.V1.StagedImage> responseStream,
        ServerCallContext context)
    {
        var before = request.CommittedBefore?.ToDateTimeOffset() ?? DateTimeOffset.MaxValue;
        foreach (var image in area.ListImages())
        {
            if (image.CommittedAt >= before) break; // they come oldest first
            await responseStream.WriteAsync(image.ToMessage(staging), context.CancellationToken);
        }
    }

    public override Task ReadImage(
        ReadImageRequest request, IServerStreamWriter<ReadImageResponse> responseStream, ServerCallContext context) =>
        StatusMap.GuardAsync(async () =>
        {
            await reader.SendAsync(request, responseStream, context.CancellationToken);
            return 0;
        });

    public override Task<DeleteImageResponse> DeleteImage(DeleteImageRequest request, ServerCallContext context) =>
        StatusMap.GuardAsync(async () =>
        {
            var id = ImageId.Parse(request.ImageId);
            var released = await imports.RemoveForImageAsync(id, context.CancellationToken);
            var deleted = await area.DeleteImageAsync(id, context.CancellationToken);
            // An import that was started in between has lost its image; nobody would ever release it.
            released += await imports.RemoveForImageAsync(id, context.CancellationToken);
            return new DeleteImageResponse
            {
                Existed = deleted.Existed, FreedBytes = (ulong)(deleted.FreedBytes + released),
            };
        });

    public override Task<Glance.Sidecar.V1.StagedImage> AdoptFile(AdoptFileRequest request, ServerCallContext context) =>
        StatusMap.GuardAsync(async () =>
        {
            var adopted = await area.AdoptAsync(
                new AdoptRequest(
                    ImageId.Parse(request.ImageId),
                    request.Path,
                    request.HasExpectedSize ? Messages.ToLength(request.ExpectedSize) : null,
                    DigestAlgorithms.Validate(request.ExpectedDigests),
                    request.ProjectId),
                context.CancellationToken);
            return adopted.ToMessage(staging);
        });

    public override Task<Capacity> GetCapacity(GetCapacityRequest request, ServerCallContext context) =>
        StatusMap.Guard(() => Messages.ToCapacity(area));
}
