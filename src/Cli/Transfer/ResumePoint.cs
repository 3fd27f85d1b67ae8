using Glance.Sidecar.V1;
using Grpc.Core;

namespace Stagectl.Transfer;

/// <summary>Asks, after an upload was given up, what of it the sidecar keeps.</summary>
internal static class ResumePoint
{
    // The user waits for the prompt by now.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>The offset at which the upload can be resumed; null when there is none, or nobody answers.</summary>
    public static async Task<ulong?> FindAsync(Staging.StagingClient staging, string imageId)
    {
        var deadline = DateTime.UtcNow + Limit;
        try
        {
            while (true)
            {
                var upload = await LocalUpload.FindAsync(staging, imageId, new CallOptions(deadline: deadline));
                if (upload is null) return null;
                // Until the sidecar has noticed that the call is over, it still takes in what was under way.
                if (upload.State != Glance.Sidecar.V1.Upload.Types.State.Receiving) return upload.ReceivedOffset;
                await Task.Delay(Pause);
            }
        }
        catch (RpcException)
        {
            return null; // the failure that is being told matters more
        }
    }
}
