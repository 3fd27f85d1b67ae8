using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Calls;
using Sidecar.Routing.Forwarding;
using Sidecar.Routing.Locating;
using Sidecar.Routing.Outputs;
using Sidecar.Rpc.Limits;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Images;

/// <summary>The ReadImage call: bytes of an image, or of an import's output, wherever they are.</summary>
internal sealed class ReadCall(
    ImageReader reader, FetchedOutputs outputs, OwnerRouter router, StreamForwarder streams, ForwardMark mark,
    StagingMetrics metrics, StagingContext staging, ReadAdmission admission)
{
    public async Task<bool> RunAsync(
        ReadImageRequest request, IServerStreamWriter<ReadImageResponse> responses, ServerCallContext caller)
    {
        var image = ResourceId.Image(ImageId.Parse(request.ImageId));
        // The output is where the import ran, which the image may have left.
        var subject = request.ImportId.Length == 0 ? image : ResourceId.Import(ImportIds.Parse(request.ImportId));
        using var place = admission.Enter();
        using var watched = new WatchedResponses(responses, caller, staging);
        if (subject.IsImport && outputs.TryGet(subject.Id, out var output) && output.ImageId.ToString() == image.Id.ToString("D"))
        {
            return await reader.SendAsync(output.Path, request, watched, caller.CancellationToken);
        }

        var forwarded = new ForwardedRead(request, watched, caller, subject, staging.Clock.GetUtcNow(), streams, mark, metrics);
        return await router.RouteAsync(
            new RoutedCall(subject, request.OwnerHint, request.Forwarded, caller),
            async () =>
            {
                await reader.SendAsync(forwarded.Rest(), forwarded, caller.CancellationToken);
                return true;
            },
            forwarded.RunAsync);
    }
}
