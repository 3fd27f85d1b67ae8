using Glance.Sidecar.V1;
using Grpc.Core;

namespace Stagectl.Transfer;

/// <summary>
/// The unfinished upload of an image on the pod that is asked. An upload goes on only where it began, and GetUpload
/// answers for all pods, or not at all while one of them is down.
/// </summary>
internal static class LocalUpload
{
    /// <summary>Null when that pod has received nothing of it.</summary>
    public static async Task<Glance.Sidecar.V1.Upload?> FindAsync(
        Staging.StagingClient staging, string imageId, CallOptions options)
    {
        using var call = staging.ListUploads(new ListUploadsRequest(), options);
        while (await call.ResponseStream.MoveNext(options.CancellationToken))
        {
            var upload = call.ResponseStream.Current;
            if (upload.ImageId == imageId && !IsOnlyReserved(upload)) return upload;
        }

        return null;
    }

    private static bool IsOnlyReserved(Glance.Sidecar.V1.Upload upload) =>
        upload is { State: Glance.Sidecar.V1.Upload.Types.State.Reserved, ReceivedOffset: 0 };
}
