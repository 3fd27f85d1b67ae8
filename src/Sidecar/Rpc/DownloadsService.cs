using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Rpc.Downloading;

namespace Sidecar.Rpc;

/// <summary>The Downloads service: turns messages into calls of the downloads slice.</summary>
internal sealed class DownloadsService(DownloadCall download) : Glance.Sidecar.V1.Downloads.DownloadsBase
{
    public override Task DownloadImage(
        DownloadImageRequest request, IServerStreamWriter<DownloadImageEvent> responseStream, ServerCallContext context) =>
        download.RunAsync(request, responseStream, context);
}
