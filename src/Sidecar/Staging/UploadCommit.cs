namespace Sidecar.Staging;

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

    /// <summary>Moves a durable file into place as an image.</summary>
    /// <param name="check">Looks at what is in place, before anybody is told; what it throws takes the step back.</param>
    public void Publish(StagedImage image, string file, Action? check = null)
    {
        catalog.WriteRecord(image);
        var target = context.Layout.ImageFile(image.Id);
        if (file != target && !Posix.TryRename(file, target))
        {
            DurableFiles.Delete(context.Layout.ImageRecord(image.Id));
            throw UnmanagedFile(image.Id);
        }

        Check(image, file, check);
        Posix.SyncDirectory(context.Layout.Directory);
        catalog.Add(image);
        context.Metrics.Committed();
        StagingLog.ImageStaged(context.Log, image.Id, image.Size, image.Digests[Crc32C.Name]);
        Published?.Invoke(image);
    }

    private void Check(StagedImage image, string file, Action? check)
    {
        try
        {
            check?.Invoke();
        }
        catch (StagingException)
        {
            // The file goes back first: with its record but unchecked, the next start would take it for an image.
            var target = context.Layout.ImageFile(image.Id);
            if (file != target) Posix.TryRename(target, file);
            DurableFiles.Delete(context.Layout.ImageRecord(image.Id));
            throw;
        }
    }

    public static StagingException UnmanagedFile(ImageId id) => new(
        StagingError.AlreadyStaged,
        $"The staging directory holds a file {id} that was not staged through the sidecar. Take it over with AdoptFile, "
        + "or remove it.");
}
