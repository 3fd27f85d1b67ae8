using Microsoft.Extensions.Options;
using Sidecar.Downloads.Core;
using Sidecar.Downloads.Fetching;
using Sidecar.Downloads.Servers;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Telemetry;

namespace Sidecar.Downloads;

/// <summary>
/// Fetches images from web servers into the staging area. A download is an upload whose sender is the daemon: it is checked,
/// reserved, made durable and committed as any other, and fenced by newer ones. What its URL leads to is judged by the caller's
/// rules: each URL, and each address that is connected to. Its bytes are in order: parts that are fetched beside each other wait in
/// memory, of which all downloads together have so much.
/// </summary>
internal sealed class Downloader(
    StagingArea area, StagingContext staging, ReadAheadMemory memory, IOptions<DownloadsOptions> options, DownloadMetrics metrics,
    ILogger<Downloader> log)
{
    /// <summary>Downloads an image; <paramref name="progress"/> is told of its target before the server is asked.</summary>
    /// <exception cref="DownloadException">Any of its reasons; nothing is left.</exception>
    /// <exception cref="StagingException">
    /// As an upload; after Draining what has arrived stays, and the same request goes on there.
    /// </exception>
    public async Task<StagedImage> RunAsync(DownloadRequest request, Action<Target> progress, CancellationToken callerGone)
    {
        metrics.Began();
        var failed = "CANCELLED";
        try
        {
            request.Rules.Check(request.Url);
            using var client = new FileClient(request.Rules, options.Value);
            await using var target = new Target(request, area, staging);
            progress(target);
            var image = await new Download(request, client, target, memory, options.Value, metrics, log).RunAsync(callerGone);
            failed = "";
            return image;
        }
        catch (DownloadException failure)
        {
            failed = failure.Error.Reason();
            DownloadsLog.Failed(log, request.ImageId, failed, failure.Message);
            throw;
        }
        catch (StagingException refusal)
        {
            failed = refusal.Error.Reason();
            staging.Metrics.CountCorruption(refusal);
            throw;
        }
        finally
        {
            metrics.Ended(failed);
        }
    }
}
