using System.Diagnostics;
using System.Diagnostics.Metrics;
using Sidecar.Staging.Files;
using Sidecar.Telemetry;

namespace Sidecar.Staging.Core;

/// <summary>Instruments of the staging slice. Base units, bounded tags, never an image id.</summary>
internal sealed class StagingMetrics
{
    public const string MeterName = SidecarActivities.SourceName;

    // From a kernel that a client fits into to a disk of terabytes over a slow line.
    private static readonly double[] UploadBuckets = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 43200];

    // From a write-back cache to a disk that is about to fail.
    private static readonly double[] FsyncBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

    private readonly Counter<long> _uploads;
    private readonly Counter<long> _resumes;
    private readonly Counter<long> _received;
    private readonly Counter<long> _fsyncErrors;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _deletes;
    private readonly Counter<long> _durable;
    private readonly Counter<long> _corruptChunks;
    private readonly Counter<long> _mismatches;
    private readonly Counter<long> _digested;
    private readonly Counter<long> _read;
    private readonly Counter<double> _stalls;
    private readonly Histogram<double> _fsync;
    private readonly Histogram<double> _duration;
    private (string Kind, long Count)[] _recovered = [];
    private double _recoverySeconds;

    public StagingMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _uploads = meter.CreateCounter<long>(
            "glance_staging_uploads", description: "Uploads that ended, by result.");
        _resumes = meter.CreateCounter<long>(
            "glance_staging_upload_resumes", description: "Uploads that were continued.");
        _received = meter.CreateCounter<long>(
            "glance_staging_upload_received_bytes", "By", "Bytes received into uploads.");
        _durable = meter.CreateCounter<long>(
            "glance_staging_upload_durable_bytes", "By", "Bytes of uploads that were made durable.");
        _stalls = meter.CreateCounter<double>(
            "glance_staging_upload_stall_seconds", "s",
            "Time that uploads waited, by cause: client (or the network to it), disk, digests, commit.");
        _duration = meter.CreateHistogram(
            "glance_staging_upload_duration_seconds", "s", "Time from the first byte of an upload to its commit.", null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = UploadBuckets });
        _corruptChunks = meter.CreateCounter<long>(
            "glance_staging_corrupt_chunks", description: "Chunks that were damaged on their way, and not written.");
        _mismatches = meter.CreateCounter<long>(
            "glance_staging_digest_mismatches", description: "Images that have another digest than expected, by algorithm.");
        _digested = meter.CreateCounter<long>(
            "glance_staging_upload_digested_bytes", "By", "Bytes of uploads that were digested, by algorithm.");
        _read = meter.CreateCounter<long>(
            "glance_staging_read_bytes", "By", "Bytes read by callers, by path: of this pod, or through it of a peer.");
        _fsync = meter.CreateHistogram(
            "glance_staging_fsync_duration_seconds", "s", "Time that an fsync of upload data took.", null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = FsyncBuckets });
        meter.CreateObservableGauge(
            "glance_staging_recovery_duration_seconds", () => _recoverySeconds, "s",
            "Time that this process took to take up what was there when it started.");
        meter.CreateObservableGauge(
            "glance_staging_recovered_items",
            () => _recovered.Select(item => new Measurement<long>(item.Count, Tag("kind", item.Kind))),
            description: "What this process found when it started, by kind.");
        _fsyncErrors = meter.CreateCounter<long>(
            "glance_staging_fsync_errors", description: "Uploads that an fsync error ended.");
        _refusals = meter.CreateCounter<long>(
            "glance_staging_admission_rejected", description: "Uploads and reads refused before the first byte, by reason.");
        _deletes = meter.CreateCounter<long>(
            "glance_staging_images_deleted", description: "Staged images that were deleted.");
    }

    /// <summary>Makes the counters that alerts watch visible before they count: an increase needs a sample before it.</summary>
    public void Begin()
    {
        _fsyncErrors.Add(0);
        _corruptChunks.Add(0);
        foreach (var algorithm in DigestAlgorithms.All.Append(Crc32C.Name)) _mismatches.Add(0, Tag("algorithm", algorithm));
    }

    public void Received(long bytes) => _received.Add(bytes);

    public void Resumed() => _resumes.Add(1);

    public void Refused(StagingError reason) => _refusals.Add(1, Tag("reason", reason.Reason()));

    /// <summary>Counts what came in damaged; other refusals are the gRPC statuses' to count.</summary>
    public void CountCorruption(StagingException refusal)
    {
        if (refusal.Error == StagingError.ChunkCorrupt) _corruptChunks.Add(1);
        if (refusal.Error == StagingError.DigestMismatch) _mismatches.Add(1, Tag("algorithm", refusal.Facts["algorithm"]));
    }

    /// <param name="cause">client, disk, digests or commit.</param>
    public void Stalled(string cause, double seconds) => _stalls.Add(seconds, Tag("cause", cause));

    public void Durable(long bytes) => _durable.Add(bytes);

    public void Digested(string algorithm, long bytes) => _digested.Add(bytes, Tag("algorithm", algorithm));

    public void UploadTook(TimeSpan time) => _duration.Record(time.TotalSeconds);

    /// <param name="path">local or peer.</param>
    public void Read(string path, long bytes) => _read.Add(bytes, Tag("path", path));

    public void Recovered(long images, long uploads, long rolledBack, TimeSpan time)
    {
        _recovered = [("image", images), ("upload", uploads), ("rolled_back", rolledBack)];
        _recoverySeconds = time.TotalSeconds;
    }

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

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
