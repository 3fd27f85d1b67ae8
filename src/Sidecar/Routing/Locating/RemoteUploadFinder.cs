using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Routing.Locating;

/// <summary>How far the upload of an image came on another pod, for somebody who asks here.</summary>
internal sealed class RemoteUploadFinder(UploadLocator uploads, Locator images, ForwardMark mark, IOptions<PeersOptions> options)
{
    /// <summary>Null: on none of the pods that answer. One that is away is not waited for: what it has can be sent once more.</summary>
    public async Task<RemoteUpload?> FindAsync(ImageId id, CancellationToken callerGone)
    {
        if (!options.Value.Enabled) return null;
        try
        {
            return await FindUploadAsync(id, callerGone) ?? await FindImageAsync(id, callerGone);
        }
        catch (PeerException incomplete) when (incomplete.Error == PeerError.LocateIncomplete)
        {
            return null;
        }
    }

    private async Task<RemoteUpload?> FindUploadAsync(ImageId id, CancellationToken callerGone) =>
        await uploads.FindElsewhereAsync(id, callerGone) is
        {
            State: Glance.Sidecar.V1.Upload.Types.State.Receiving or Glance.Sidecar.V1.Upload.Types.State.Suspended
        }
        upload ? new RemoteUpload((long)upload.ReceivedOffset, IsComplete: false) : null;

    private async Task<RemoteUpload?> FindImageAsync(ImageId id, CancellationToken callerGone)
    {
        var outcome = await images.AskAllAsync(ResourceId.Image(id), TimeSpan.Zero, mark.Metadata(), callerGone);
        return outcome.Copies is [var newest, ..] ? new RemoteUpload(newest.Size, IsComplete: true) : null;
    }
}
