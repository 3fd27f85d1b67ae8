using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import;
using Sidecar.Peers.Forwarding;
using Sidecar.Peers.Locating;
using Sidecar.Staging;

namespace Sidecar.Rpc;

/// <summary>The Staging service: turns messages into calls of the staging slice and its refusals into statuses.</summary>
[BindServiceMethod(typeof(StagingService), nameof(BindService))]
internal sealed class StagingService(
    StagingArea area, StagingContext staging, StageCall stage, ReserveCall reserve, FindUploadCall findUpload,
    DeleteCall delete, OwnerRouter router, ReadCall read, Forwarder forwarder, ForwardMark mark)
    : Glance.Sidecar.V1.Staging.StagingBase
{
    public static void BindService(ServiceBinderBase binder, StagingService? service) =>
        Glance.Sidecar.V1.Staging.BindService(new StageFrameBinder(binder, service), service);

    public Task<Glance.Sidecar.V1.StagedImage> Stage(
        IAsyncStreamReader<StageFrame> requestStream, ServerCallContext context) =>
        StatusMap.GuardAsync(() => stage.RunAsync(requestStream, context.CancellationToken));

    public override Task<Glance.Sidecar.V1.Upload> GetUpload(GetUploadRequest request, ServerCallContext context) =>
        StatusMap.GuardAsync(() => findUpload.RunAsync(request, context));

    public override async Task ListUploads(
        ListUploadsRequest request, IServerStreamWriter<Glance.Sidecar.V1.Upload> responseStream,
        ServerCallContext context)
    {
        foreach (var upload in area.ListUploads())
        {
            await responseStream.WriteAsync(upload.ToMessage(staging), context.CancellationToken);
        }
    }

    public override Task<AbortUploadResponse> AbortUpload(AbortUploadRequest request, ServerCallContext context) =>
        StatusMap.GuardAsync(async () => new AbortUploadResponse
        {
            Existed = await area.AbortUploadAsync(ImageId.Parse(request.ImageId), context.CancellationToken),
        });

    public override Task<Glance.Sidecar.V1.StagedImage> GetImage(GetImageRequest request, ServerCallContext context) =>
        StatusMap.GuardAsync(() =>
        {
            var id = ImageId.Parse(request.ImageId);
            var forwarded = new GetImageRequest { ImageId = request.ImageId, Forwarded = mark.Message() };
            return router.RouteAsync(
                new Route(Subject.Image(id), request.OwnerHint, request.Forwarded, context),
                () => Task.FromResult(area.GetImage(id).ToMessage(staging)),
                owner => forwarder.AskAsync(
                    owner, context, again: true, options => owner.Staging.GetImageAsync(forwarded, options)));
        });

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
        StatusMap.GuardAsync(() => read.RunAsync(request, responseStream, context));

    public override Task<DeleteImageResponse> DeleteImage(DeleteImageRequest request, ServerCallContext context) =>
        StatusMap.GuardAsync(() => delete.RunAsync(request, context));

    public override Task<Glance.Sidecar.V1.StagedImage> AdoptFile(AdoptFileRequest request, ServerCallContext context) =>
        StatusMap.GuardAsync(async () =>
        {
            mark.RefusePeers(context);
            RequestRules.CheckClaim(request.DiskFormat, request.ContainerFormat);
            var adopted = await area.AdoptAsync(
                new AdoptRequest(
                    ImageId.Parse(request.ImageId),
                    request.Path,
                    request.HasExpectedSize ? Messages.ToLength(request.ExpectedSize) : null,
                    DigestAlgorithms.Validate(request.ExpectedDigests),
                    request.ProjectId,
                    request.ReservationId,
                    new ImageClaim(request.DiskFormat, request.ContainerFormat)),
                context.CancellationToken);
            return adopted.ToMessage(staging);
        });

    public override Task<Capacity> GetCapacity(GetCapacityRequest request, ServerCallContext context) =>
        StatusMap.Guard(() => Messages.ToCapacity(area));

    public override Task Reserve(
        ReserveRequest request, IServerStreamWriter<Glance.Sidecar.V1.Reservation> responseStream,
        ServerCallContext context) => StatusMap.GuardAsync(() => reserve.RunAsync(request, responseStream, context));

    public override Task<Glance.Sidecar.V1.Reservation> AdjustReservation(
        AdjustReservationRequest request, ServerCallContext context) =>
        StatusMap.Guard(() => reserve.Adjust(request, context));
}
