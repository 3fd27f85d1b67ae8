using Glance.Sidecar.V1;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Rpc.Messages;

namespace Sidecar.Rpc.Images;

/// <summary>The Inspect call: inspects the beginning of an image that is nowhere yet.</summary>
internal sealed class InspectCall(FormatValidator validator)
{
    public InspectResponse Run(InspectRequest request)
    {
        var view = validator.View(
            new ImageBytes(request.Data.Memory, request.Complete),
            StagingMessages.ToClaim(request.DiskFormat, request.ContainerFormat, request.ToleratedChecks));
        return new InspectResponse
        {
            DiskFormat = view.DiskFormat, Compression = view.Compression, VirtualSize = (ulong)view.VirtualSize,
        };
    }
}
