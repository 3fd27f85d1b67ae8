using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Downloads;
using Sidecar.Downloads.Fetching;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Membership;
using Sidecar.Rpc.Messages;
using Sidecar.Rpc.Limits;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Downloading;

/// <summary>
/// The DownloadImage call: a download lasts as long as its call, and tells how far it is. It takes a place among the uploads.
/// </summary>
internal sealed class DownloadCall(
    Downloader downloader, UploadAdmission admission, PeerDirectory directory, ForwardMark mark, StagingContext staging)
{
    // Often enough for a progress bar, and for a caller that tells others that it lives.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public async Task RunAsync(
        DownloadImageRequest message, IServerStreamWriter<DownloadImageEvent> responses, ServerCallContext caller)
    {
        mark.RefusePeers(caller);
        var request = DownloadMessages.ToRequest(message);
        using var place = admission.Enter();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(caller.CancellationToken);
        Target? target = null;
        var download = downloader.RunAsync(request, known => Volatile.Write(ref target, known), ends.Token);
        try
        {
            await TellAsync(() => Volatile.Read(ref target), download, responses, ends.Token);
        }
        catch
        {
            // Its caller went, or can be told nothing any more: the download ends before the call does, and cleans up.
            await ends.CancelAsync();
            await ((Task)download).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // What it ended with says more, as when the process drains.
            await download;
            throw;
        }

        var image = await download;
        await directory.KnownToPeers.WaitAsync(caller.CancellationToken); // as after an upload
        await responses.WriteAsync(
            new DownloadImageEvent { BytesDone = (ulong)image.Size, BytesTotal = (ulong)image.Size, Image = image.ToMessage(staging) },
            caller.CancellationToken);
    }

    private async Task TellAsync(
        Func<Target?> target, Task download, IServerStreamWriter<DownloadImageEvent> responses, CancellationToken callerGone)
    {
        (long Done, long? Total)? told = null;
        while (!download.IsCompleted)
        {
            if (target() is { } known && (known.Received, known.Total) is var now && now != told)
            {
                told = now;
                var progress = new DownloadImageEvent { BytesDone = (ulong)now.Received };
                if (now.Total is { } total) progress.BytesTotal = (ulong)total;
                await responses.WriteAsync(progress, callerGone);
            }

            await Task.WhenAny(download, Task.Delay(Interval, staging.Clock, callerGone));
            callerGone.ThrowIfCancellationRequested();
        }
    }
}
