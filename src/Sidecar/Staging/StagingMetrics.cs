using System.Diagnostics;
using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Staging;

/// <summary>Instruments of the staging slice. Base units, bounded tags, never an image id.</summary>
internal sealed class StagingMetrics
{
    public const string MeterName = SidecarActivities.SourceName;

    private readonly Meter _meter;
    private readonly Counter<long> _uploads;
    private readonly Counter<long> _resumes;
    private readonly Counter<long> _received;
    private readonly Counter<long> _fsyncErrors;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _deletes;
    private readonly Histogram<double> _fsync;

    public StagingMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _uploads = _meter.CreateCounter<long>(
            "glance_staging_uploads", description: "Uploads that ended, by result.");
        _resumes = _meter.CreateCounter<long>(
            "glance_staging_upload_resumes", description: "Uploads that were continued.");
        _received = _meter.CreateCounter<long>(
            "glance_staging_upload_received_bytes", "By", "Bytes received into uploads.");
        _fsync = _meter.CreateHistogram<double>(
            "glance_staging_fsync_duration_seconds", "s", "Time that an fsync of upload data took.");
        _fsyncErrors = _meter.CreateCounter<long>(
            "glance_staging_fsync_errors", description: "Uploads that an fsync error ended.");
        _refusals = _meter.CreateCounter<long>(
            "glance_staging_admission_rejected", description: "Uploads refused before the first byte, by reason.");
        _deletes = _meter.CreateCounter<long>(
            "glance_staging_images_deleted", description: "Staged images that were deleted.");
    }

    /// <summary>Has the state of the area read whenever somebody looks.</summary>
    public void Observe(StagingArea area)
    {
        Gauge("glance_staging_volume_size_bytes", "Size of the volume.", () => area.Space.Snapshot().TotalBytes);
        Gauge("glance_staging_volume_free_bytes", "Free bytes of the volume.", () => area.Space.Snapshot().FreeBytes);
        Gauge(
            "glance_staging_volume_reserved_bytes", "Bytes promised to uploads and imports and not written yet.",
            () => area.Space.Snapshot().ReservedBytes);
        Gauge(
            "glance_staging_volume_available_bytes", "Largest upload that would be accepted.",
            () => area.Space.Snapshot().AvailableBytes);
        Gauge(
            "glance_staging_uploads_active", "Images that are being received, or that space is held for.", () => area.ActiveUploads);
        Gauge("glance_staging_images", "Staged images.", () => area.ImageCount);
        Gauge("glance_staging_images_bytes", "Bytes of the staged images.", () => area.ImageBytes);
    }

    public void Received(long bytes) => _received.Add(bytes);

    public void Resumed() => _resumes.Add(1);

    public void Refused(StagingError reason) => _refusals.Add(1, Tag("reason", reason.Reason()));

    public void Committed() => _uploads.Add(1, Tag("result", "committed"));

    public void Suspended() => _uploads.Add(1, Tag("result", "suspended"));

    public void Failed() => _uploads.Add(1, Tag("result", "failed"));

    public void Aborted() => _uploads.Add(1, Tag("result", "aborted"));

    public void ImageDeleted() => _deletes.Add(1);

    public long StartFsync() => _fsync.Enabled ? Stopwatch.GetTimestamp() : 0;

    public void FsyncDone(long started)
    {
        if (started != 0) _fsync.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    public void FsyncFailed() => _fsyncErrors.Add(1);

    private void Gauge(string name, string description, Func<long> read) =>
        _meter.CreateObservableGauge(name, read, description: description);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
