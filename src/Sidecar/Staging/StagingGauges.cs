using System.Diagnostics.Metrics;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;

namespace Sidecar.Staging;

/// <summary>The state of the staging area, read whenever somebody looks.</summary>
internal sealed class StagingGauges
{
    private readonly StagingArea _area;

    public StagingGauges(IMeterFactory meters, StagingArea area, UnmanagedWatch unmanaged)
    {
        _area = area;
        var meter = meters.Create(StagingMetrics.MeterName);
        Gauge("volume_size_bytes", "Size of the volume.", () => area.Space.Snapshot().TotalBytes);
        Gauge("volume_free_bytes", "Free bytes of the volume.", () => area.Space.Snapshot().FreeBytes);
        Gauge(
            "volume_reserved_bytes", "Bytes promised to uploads and imports and not written yet.",
            () => area.Space.Snapshot().ReservedBytes);
        Gauge(
            "volume_available_bytes", "Largest upload that would be accepted.",
            () => area.Space.Snapshot().AvailableBytes);
        Gauge("uploads_active", "Images that are being received, or that space is held for.", () => area.ActiveUploads);
        Gauge("images", "Staged images.", () => area.ImageCount);
        Gauge("images_bytes", "Bytes of the staged images.", () => area.ImageBytes);
        Gauge("unmanaged_files", "Files of others in the staging directory.", () => unmanaged.Current.Files);
        Gauge("unmanaged_bytes", "Bytes of the files of others in the staging directory.", () => unmanaged.Current.Bytes);
        Gauge(
            "damaged_records", "Records that could not be understood and were set aside.",
            () => DamagedRecords.Count(area.Layout));
        meter.CreateObservableGauge(
            "glance_staging_oldest_image_timestamp_seconds", Oldest, "s",
            "When the oldest staged image was committed, as a Unix time; none without images.");

        void Gauge(string name, string description, Func<long> read) =>
            meter.CreateObservableGauge("glance_staging_" + name, read, description: description);
    }

    private IEnumerable<Measurement<long>> Oldest() =>
        _area.OldestImage is { } image ? [new(image.CommittedAt.ToUnixTimeSeconds())] : [];
}
