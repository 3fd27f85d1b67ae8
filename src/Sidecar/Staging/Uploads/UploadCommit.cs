using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Images;

namespace Sidecar.Staging.Uploads;

/// <summary>
/// Turns an upload whose data is on the disk and proven right into a staged image, atomically. The order of the steps
/// is the argument: the record is durable before the rename, and the rename decides. A crash before it leaves a
/// resumable upload and a record that recovery rolls back; a crash after it leaves a staged image and a directory
/// that recovery removes. So does a failure to remove that directory: the image is staged all the same.
/// </summary>
/// <param name="committed">Told when an upload is one no longer.</param>
internal sealed class UploadCommit(StagingContext context, ImageCatalog catalog, Action<ImageId> committed)
{
    /// <summary>An image is in place.</summary>
    public event Action<StagedImage>? Published;

    /// <param name="digests">Of the data; at least crc32c.</param>
    /// <exception cref="IOException">The disk failed or is full; the image is not staged.</exception>
    /// <exception cref="StagingException">AlreadyStaged: a file of that name appeared meanwhile.</exception>
    public StagedImage Run(Upload upload, IReadOnlyDictionary<string, string> digests)
    {
        var header = upload.Header;
        CheckLength(upload);
        var image = new StagedImage(
            header.ImageId, upload.Received.Offset, digests, header.ProjectId,
            header.HandedOverBy.Length > 0 ? ImageOrigin.HandedOver : ImageOrigin.Uploaded,
            context.Clock.GetUtcNow(),
            header.FirstCommittedAt);
        Publish(image, upload.DataFile);
        context.Metrics.UploadTook(image.CommittedAt - header.StartedAt);
        committed(image.Id);
        return image;
    }

    // What was proven right is what was received; the file must be that and nothing else.
    private static void CheckLength(Upload upload)
    {
        var length = new FileInfo(upload.DataFile).Length;
        if (length == upload.Received.Offset) return;
        throw new IOException($"its file has {length} bytes, and {upload.Received.Offset} were received");
    }

    /// <summary>
    /// Moves a durable file into place as an image. What fails before that is durable is undone, as the caller is told that there
    /// is no image; what comes after cannot fail.
    /// </summary>
    /// <param name="check">Looks at what is in place, before anybody is told; what it throws takes the step back.</param>
    public void Publish(StagedImage image, string file, Action? check = null)
    {
        var target = context.Layout.ImageFile(image.Id);
        var isMoved = false;
        try
        {
            catalog.WriteRecord(image);
            if (file != target) isMoved = Posix.TryRename(file, target) ? true : throw UnmanagedFile(image.Id);
            check?.Invoke();
            Posix.SyncDirectory(context.Layout.Directory);
        }
        catch
        {
            TakeBack(image.Id, isMoved ? target : null, file);
            throw;
        }

        catalog.Add(image);
        context.Metrics.Committed();
        StagingLog.ImageStaged(context.Log, image.Id, image.Size, image.Digests[Crc32C.Name]);
        Published?.Invoke(image);
    }

    // The record goes first: with the file alone the image is not staged, whatever becomes of the rest.
    private void TakeBack(ImageId id, string? target, string file)
    {
        try
        {
            DurableFiles.Delete(context.Layout.ImageRecord(id));
            if (target is not null) Posix.TryRename(target, file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            StagingLog.CommitNotUndone(context.Log, id, failure.Message);
        }
    }

    public static StagingException UnmanagedFile(ImageId id) => new(
        StagingError.AlreadyStaged,
        $"The staging directory holds a file {id} that was not staged through the sidecar. Take it over with AdoptFile, "
        + "or remove it.");
}
