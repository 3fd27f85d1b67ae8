using System.Collections.Concurrent;
using System.Diagnostics;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;
using Sidecar.Staging.Images;
using Sidecar.Staging.Uploads;

namespace Sidecar.Staging;

/// <summary>
/// At start: takes up what an earlier process left, so that every leftover is listed again, resumable, rolled back or
/// reported. Reads records and journals, never image data, so its time does not depend on how large images are.
/// </summary>
internal sealed class RecoveryScan(StagingContext context, ImageCatalog catalog)
{
    private int _rolledBack;

    /// <exception cref="IOException">The disk failed.</exception>
    public (IReadOnlyCollection<Upload> Uploads, int RolledBack) Run()
    {
        var started = Stopwatch.GetTimestamp();
        DamagedNotes.Tidy(context.Layout);
        var images = new ConcurrentBag<StagedImage>();
        Parallel.ForEach(RecordFile.List(context.Layout.Images), record =>
        {
            if (RecoverImage(record) is { } image) images.Add(image);
        });
        catalog.Load(images);
        var uploads = new ConcurrentBag<Upload>();
        foreach (var directory in Directory.EnumerateDirectories(context.Layout.Uploads))
        {
            if (RecoverUpload(directory) is { } upload) uploads.Add(upload);
        }

        MakeDurable();
        var unmanaged = UnmanagedFiles.Count(context.Layout, id => catalog.TryGet(id, out _));
        context.Metrics.Recovered(catalog.Count, uploads.Count, _rolledBack, Stopwatch.GetElapsedTime(started));
        StagingLog.Recovered(
            context.Log, context.Layout.Directory, catalog.Count, uploads.Count, _rolledBack, unmanaged.Files,
            (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        return (uploads, _rolledBack);
    }

    // What was found may be in the page cache only: a process that was killed between a rename and the fsync of its directory
    // leaves an image that a power loss takes away. From the first answer on somebody may count on what is here, and remove
    // his own copy. The data of an image was durable before its rename, and its record before that.
    private void MakeDurable()
    {
        Posix.SyncDirectory(context.Layout.Uploads);
        Posix.SyncDirectory(context.Layout.Images);
        Posix.SyncDirectory(context.Layout.Directory);
    }

    private StagedImage? RecoverImage(string recordFile)
    {
        if (ReadImage(recordFile) is not { } image) return null;
        var length = RegularFile.TryLength(context.Layout.ImageFile(image.Id));
        if (length == image.Size) return image;

        // Without a file the commit stopped before its rename, or the delete (ours or Glance's) after its unlink.
        if (length is { } actual) StagingLog.ImageLost(context.Log, image.Id, image.Size, actual);
        File.Delete(recordFile);
        Interlocked.Increment(ref _rolledBack);
        return null;
    }

    private StagedImage? ReadImage(string recordFile)
    {
        try
        {
            return ImageCatalog.ReadRecord(recordFile);
        }
        catch (InvalidDataException damaged)
        {
            DamagedRecords.SetAside(
                context.Layout, context.Log, recordFile, "image-" + Path.GetFileName(recordFile), damaged.Message);
            Interlocked.Increment(ref _rolledBack);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordUnreadable(context.Log, recordFile, failure.Message);
        }

        return null;
    }

    private Upload? RecoverUpload(string directory)
    {
        if (ReadUpload(directory) is not { } upload) return null;
        var id = upload.Header.ImageId;
        if (catalog.TryGet(id, out _))
        {
            // The commit had happened; only its clean-up was missing.
            RemoveRemains(upload);
            return null;
        }

        var found = upload.Snapshot();
        if (found.State == UploadState.Failed) StagingLog.UploadLost(context.Log, id, $"{found.Failure} {found.Cause}".TrimEnd());
        return upload;
    }

    private Upload? ReadUpload(string directory)
    {
        try
        {
            return Upload.Recover(directory);
        }
        catch (Exception damaged) when (damaged is InvalidDataException or FileNotFoundException)
        {
            var name = Path.GetFileName(directory);
            var isAway = DamagedRecords.SetAside(
                context.Layout, context.Log, Upload.HeaderFile(directory), $"upload-{name}.json", damaged.Message);
            // Nobody can tell what its data is worth, and nobody would ever remove it.
            if (isAway) RemoveLeftover(directory, damaged.Message);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordUnreadable(context.Log, directory, failure.Message);
        }

        return null;
    }

    private void RemoveRemains(Upload upload)
    {
        try
        {
            upload.Remove();
            _rolledBack++;
        }
        catch (StagingException kept)
        {
            StagingLog.UploadKept(context.Log, upload.Header.ImageId, kept.Detail);
        }
    }

    private void RemoveLeftover(string directory, string why)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
            StagingLog.LeftoverRemoved(context.Log, directory, why);
            Interlocked.Increment(ref _rolledBack);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.RecordKept(context.Log, directory, why, failure.Message);
        }
    }
}
