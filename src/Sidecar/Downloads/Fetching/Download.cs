using System.Net;
using Sidecar.Downloads.Core;
using Sidecar.Downloads.Servers;
using Sidecar.Staging.Core;
using Sidecar.Staging.Uploads;
using Sidecar.Telemetry;

namespace Sidecar.Downloads.Fetching;

/// <summary>
/// One download, attempt by attempt, until its image is staged or it has failed. The upload is kept open from one attempt to the
/// next: it counts as being received, and whoever wants the image ends the download.
/// </summary>
internal sealed class Download(
    DownloadRequest request, FileClient client, Target target, ReadAheadMemory memory, DownloadsOptions options, DownloadMetrics metrics,
    ILogger log)
{
    private readonly Retries _retries = new(options);
    private int _connections = options.Connections;
    private long _most;

    /// <summary>The staged image. Nothing is left of it otherwise, unless others go on with it.</summary>
    /// <exception cref="DownloadException">With the fact received: bytes that had arrived.</exception>
    /// <exception cref="StagingException">As an upload.</exception>
    public async Task<StagedImage> RunAsync(CancellationToken callerGone)
    {
        try
        {
            while (true)
            {
                if (await TryAsync(callerGone) is not { } failure) return await CommitAsync(callerGone);
                await RecoverAsync(failure, callerGone);
            }
        }
        catch (StagingException others) when (
            others.Error is StagingError.Draining or StagingError.UploadTakenOver or StagingError.UploadAborted)
        {
            await target.LeaveAsync();
            throw;
        }
    }

    // Null: every byte is there.
    private async Task<DownloadException?> TryAsync(CancellationToken callerGone)
    {
        try
        {
            await AttemptAsync(callerGone);
            return null;
        }
        catch (DownloadException failure)
        {
            return failure;
        }
        finally
        {
            _most = Math.Max(_most, target.Received);
        }
    }

    private async Task AttemptAsync(CancellationToken callerGone)
    {
        using var body = await OpenAsync(callerGone);
        var copying = new Copying(client, target.File, target.Writer, request.MaxBytes, metrics, options);
        await UntilRevokedAsync(ends => copying.RunAsync(body, _connections, memory, ends), callerGone);
    }

    private async Task<Body> OpenAsync(CancellationToken callerGone)
    {
        var part = target.Missing();
        var (answer, url) = (default(HttpResponseMessage)!, request.Url);
        await UntilRevokedAsync(async ends => (answer, url) = await client.GetAsync(request.Url, part, ends), callerGone);
        var body = new Body(answer, url, options);
        try
        {
            var isAnew = await target.OpenAsync(answer, url, part, callerGone);
            if (isAnew && !_retries.AllowRestart()) throw Lasting(Answers.Changed(url));
            if (isAnew) DownloadsLog.FromStart(log, request.ImageId, "the server sends all of the file in place of its rest");
            DownloadsLog.Begins(log, request.ImageId, TargetRules.HostOf(url), target.Received, target.Total);
            var isBehind = answer.StatusCode == HttpStatusCode.PartialContent && part!.From < target.Received;
            if (isBehind && await body.FillAsync(new byte[1], callerGone) == 0) throw Answers.Changed(url);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private async Task RecoverAsync(DownloadException failure, CancellationToken callerGone)
    {
        if (!_retries.Allow(failure, target.Received)) throw failure.After(_most);
        if (failure.Remedy == Remedy.FromStart) await target.DiscardAsync();
        // A server may not bear as many connections as this.
        _connections = Math.Max(1, _connections / 2);
        var reason = failure.Error.Reason();
        metrics.Retried(reason);
        DownloadsLog.Again(log, request.ImageId, target.Received, _retries.Delay, reason, failure.Message);
        await UntilRevokedAsync(ends => Task.Delay(_retries.Delay, ends), callerGone);
    }

    private async Task<StagedImage> CommitAsync(CancellationToken callerGone)
    {
        var image = await target.Writer.CommitAsync(
            new CommitRequest(target.Received, new Dictionary<string, string>()), callerGone);
        DownloadsLog.Done(log, request.ImageId, image.Size);
        return image;
    }

    // A drain that ends the process also ends its calls: it is told first, as the caller shall come back.
    private async Task UntilRevokedAsync(Func<CancellationToken, Task> work, CancellationToken callerGone)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(callerGone, target.Revoked);
        try
        {
            await work(ends.Token);
        }
        catch (OperationCanceledException)
        {
            target.ThrowIfRevoked();
            throw;
        }
    }

    private static DownloadException Lasting(DownloadException failure) =>
        new(failure.Error, failure.Message, Remedy.None, [.. failure.Facts.Select(fact => (fact.Key, (object?)fact.Value))]);
}
