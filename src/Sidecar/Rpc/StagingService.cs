using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Routing.Forwarding;
using Sidecar.Routing.Locating;
using Sidecar.Rpc.Images;
using Sidecar.Rpc.Limits;
using Sidecar.Rpc.Messages;
using Sidecar.Rpc.Uploads;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc;

/// <summary>The Staging service: turns messages into calls of the staging slice.</summary>
internal sealed class StagingService(
    StagingArea area, StagingContext staging, StageCall stage, ReceiveCall receive, ReserveCall reserve, FindUploadCall findUpload,
    DeleteCall delete, OwnerRouter router, ReadCall read, Forwarder forwarder, ForwardMark mark, UnmanagedWatch unmanaged,
    IOptions<RpcOptions> rpc)
    : Glance.Sidecar.V1.Staging.StagingBase
{
    public override async Task<Glance.Sidecar.V1.StagedImage> Stage(
        IAsyncStreamReader<StageRequest> requestStream, ServerCallContext context)
    {
        var http = context.GetHttpContext().Request;
        if (!StageFrames.CanRead(http)) return await stage.RunAsync(new DecodedFrames(requestStream), context.CancellationToken);
        using var frames = new StageFrames(http.BodyReader, rpc.Value.MaxMessageBytes, context.CancellationToken);
        return await stage.RunAsync(frames, context.CancellationToken);
    }

    public override Task<Glance.Sidecar.V1.StagedImage> ReceiveUpload(ReceiveUploadRequest request, ServerCallContext context) =>
        receive.RunAsync(request, context);

    public override Task<UploadTicket> CheckTicket(CheckTicketRequest request, ServerCallContext context) =>
        Task.FromResult(receive.Check(request, context));

    public override Task<Glance.Sidecar.V1.Upload> GetUpload(GetUploadRequest request, ServerCallContext context) =>
        findUpload.RunAsync(request, context);

    public override async Task ListUploads(
        ListUploadsRequest request, IServerStreamWriter<Glance.Sidecar.V1.Upload> responseStream,
        ServerCallContext context)
    {
        foreach (var upload in area.ListUploads())
        {
            await responseStream.WriteAsync(upload.ToMessage(staging), context.CancellationToken);
        }
    }

    public override async Task<AbortUploadResponse> AbortUpload(AbortUploadRequest request, ServerCallContext context) =>
        new()
        {
            Existed = await area.AbortUploadAsync(ImageId.Parse(request.ImageId), context.CancellationToken),
        };

    public override Task<Glance.Sidecar.V1.StagedImage> GetImage(GetImageRequest request, ServerCallContext context)
    {
        var id = ImageId.Parse(request.ImageId);
        var forwarded = new GetImageRequest { ImageId = request.ImageId, Forwarded = mark.Message() };
        return router.RouteAsync(
            new RoutedCall(ResourceId.Image(id), request.OwnerHint, request.Forwarded, context),
            () => Task.FromResult(area.GetImage(id).ToMessage(staging)),
            owner => forwarder.AskAsync(
                owner, context, again: true, options => owner.Staging.GetImageAsync(forwarded, options)));
    }

    public override async Task ListImages(
        ListImagesRequest request, IServerStreamWriter<Glance.Sidecar.V1.StagedImage> responseStream,
        ServerCallContext context)
    {
        var before = RequestTime.Read(request.CommittedBefore, "committed_before") ?? DateTimeOffset.MaxValue;
        foreach (var image in area.ListImages())
        {
            if (image.CommittedAt >= before) break; // they come oldest first
            await responseStream.WriteAsync(image.ToMessage(staging), context.CancellationToken);
        }
    }

    public override Task ReadImage(
        ReadImageRequest request, IServerStreamWriter<ReadImageResponse> responseStream, ServerCallContext context) =>
        read.RunAsync(request, responseStream, context);

    public override Task<DeleteImageResponse> DeleteImage(DeleteImageRequest request, ServerCallContext context) =>
        delete.RunAsync(request, context);

    public override async Task<Glance.Sidecar.V1.StagedImage> AdoptFile(AdoptFileRequest request, ServerCallContext context)
    {
        mark.RefusePeers(context);
        var claim = StagingMessages.ToClaim(request.DiskFormat, request.ContainerFormat, request.ToleratedChecks);
        var adopted = await area.AdoptAsync(
            new AdoptRequest(
                ImageId.Parse(request.ImageId),
                request.Path,
                request.HasExpectedSize ? StagingMessages.ToLength(request.ExpectedSize) : null,
                DigestAlgorithms.Validate(request.ExpectedDigests),
                request.ProjectId,
                request.ReservationId,
                claim,
                StagingMessages.ToWishes(request.Digests)),
            context.CancellationToken);
        return adopted.ToMessage(staging);
    }

    public override Task<Capacity> GetCapacity(GetCapacityRequest request, ServerCallContext context) =>
        Task.FromResult(StagingMessages.ToCapacity(area, unmanaged.Current));

    public override Task Reserve(
        ReserveRequest request, IServerStreamWriter<Glance.Sidecar.V1.Reservation> responseStream,
        ServerCallContext context) => reserve.RunAsync(request, responseStream, context);

    public override Task<Glance.Sidecar.V1.Reservation> AdjustReservation(
        AdjustReservationRequest request, ServerCallContext context) =>
        Task.FromResult(reserve.Adjust(request, context));
}
