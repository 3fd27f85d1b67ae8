using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Routing.Locating;
using Sidecar.Rpc.Messages;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Images;

/// <summary>The GetUpload call: whether any pod receives an image, and how far it is.</summary>
internal sealed class FindUploadCall(
    StagingArea area, StagingContext staging, UploadLocator locator, ForwardMark mark, IOptions<PeersOptions> options)
{
    public async Task<Glance.Sidecar.V1.Upload> RunAsync(GetUploadRequest request, ServerCallContext caller)
    {
        var id = ImageId.Parse(request.ImageId);
        if (mark.IsOn(request.Forwarded, caller) || !options.Value.Enabled) return area.GetUpload(id).ToMessage(staging);
        return await locator.FindAsync(id, area.TryGetUpload(id)?.ToMessage(staging), caller);
    }
}
