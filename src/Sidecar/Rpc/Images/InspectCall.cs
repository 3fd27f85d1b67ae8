using Glance.Sidecar.V1;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Queue;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Images;

/// <summary>The Inspect call: inspects the beginning of an image that is nowhere yet.</summary>
internal sealed class InspectCall(FormatValidator validator)
{
    public InspectResponse Run(InspectRequest request)
    {
        RequestRules.CheckClaim(request.DiskFormat, request.ContainerFormat);
        var view = validator.View(
            new ImageBytes(request.Data.Memory, request.Complete),
            new ImageClaim(request.DiskFormat, request.ContainerFormat));
        return new InspectResponse
        {
            DiskFormat = view.DiskFormat, Compression = view.Compression, VirtualSize = (ulong)view.VirtualSize,
        };
    }
}
