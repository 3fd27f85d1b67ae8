using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Downloads.Core;

/// <summary>What downloads tell the world of themselves. Labels are from closed sets.</summary>
internal sealed class DownloadMetrics
{
    private readonly Counter<long> _downloads;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _retries;
    private readonly UpDownCounter<long> _active;

    public DownloadMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(SidecarActivities.SourceName);
        _downloads = meter.CreateCounter<long>(
            "glance_staging_downloads", "{image}", "Images that the daemon was to download, by result and reason.");
        _bytes = meter.CreateCounter<long>("glance_staging_download_bytes", "By", "Bytes of images that were downloaded.");
        _retries = meter.CreateCounter<long>(
            "glance_staging_download_retries", "{attempt}", "Attempts of a download after its first, by the reason of the one before.");
        _active = meter.CreateUpDownCounter<long>("glance_staging_downloads_active", "{image}", "Downloads that run.");
    }

    public void Began() => _active.Add(1);

    public void Received(long bytes) => _bytes.Add(bytes);

    /// <param name="reason">Of a closed set.</param>
    public void Retried(string reason) => _retries.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <param name="failed">The reason, of a closed set; empty of a success.</param>
    public void Ended(string failed)
    {
        _active.Add(-1);
        _downloads.Add(
            1, new KeyValuePair<string, object?>("result", failed.Length == 0 ? "succeeded" : "failed"),
            new KeyValuePair<string, object?>("reason", failed));
    }
}
