using System.Collections.Concurrent;
using System.Diagnostics;

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
        Parallel.ForEach(Directory.EnumerateFiles(context.Layout.Images), RecoverImage);
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

    private void RecoverImage(string recordFile)
    {
        if (ImageCatalog.ReadRecord(recordFile) is not { } image || recordFile != context.Layout.ImageRecord(image.Id))
        {
            RemoveLeftover(recordFile);
            return;
        }

        var file = new FileInfo(context.Layout.ImageFile(image.Id));
        if (file.Exists && file.Length == image.Size)
        {
            catalog.Add(image);
            return;
        }

        // Without a file the commit stopped before its rename, or the delete (ours or Glance's) after its unlink.
        if (file.Exists) StagingLog.ImageLost(context.Log, image.Id, image.Size, file.Length);
        File.Delete(recordFile);
        Interlocked.Increment(ref _rolledBack);
    }

    private Upload? RecoverUpload(string directory)
    {
        if (!ImageId.TryParse(Path.GetFileName(directory), out var id) || Upload.Recover(directory) is not { } upload
            || upload.Header.ImageId != id)
        {
            RemoveLeftover(directory);
            return null;
        }

        if (catalog.TryGet(id, out _))
        {
            // The commit had happened; only its clean-up was missing.
            RemoveRemains(upload);
            return null;
        }

        var found = upload.Snapshot();
        if (found.State == UploadState.Failed) StagingLog.UploadLost(context.Log, id, found.Failure);
        return upload;
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
            StagingLog.UploadKept(context.Log, upload.Header.ImageId, kept.Message);
        }
    }

    private void RemoveLeftover(string path)
    {
        StagingLog.LeftoverRemoved(context.Log, path);
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        else File.Delete(path);
        Interlocked.Increment(ref _rolledBack);
    }
}
