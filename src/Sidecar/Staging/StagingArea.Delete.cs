using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging;

/// <summary>What a delete removed.</summary>
internal readonly record struct DeleteOutcome(bool Existed, long FreedBytes);

// How an image, and everything that belongs to it, is deleted.
internal sealed partial class StagingArea
{
    /// <summary>
    /// Removes the staged image, an unfinished upload of it, whoever is writing, and what others wrote for it.
    /// </summary>
    public Task<DeleteOutcome> DeleteImageAsync(ImageId id, CancellationToken cancellationToken) =>
        DeleteImageAsync(id, DateTimeOffset.MaxValue, cancellationToken);

    /// <summary>
    /// As above, but leaves alone what is newer: an image that was committed, an upload that began, and a file of others
    /// that was changed, after <paramref name="limit"/>. A deletion may be told long after it was asked for.
    /// </summary>
    public async Task<DeleteOutcome> DeleteImageAsync(
        ImageId id, DateTimeOffset limit, CancellationToken cancellationToken)
    {
        var derived = await Task.Run(() => _foreign.RemoveDerived(id, limit), CancellationToken.None);
        // Entering ends a writer, and there may be a newer one.
        var mayEnter = limit == DateTimeOffset.MaxValue || FindImage(id, limit) is not null || HasUpload(id, limit)
            || (!_uploads.ContainsKey(id) && _foreign.HasPlain(id, limit));
        var removed = mayEnter ? await DeleteInsideAsync(id, limit, cancellationToken) : null;
        return new DeleteOutcome((derived ?? removed) is not null, (derived ?? 0) + (removed ?? 0));
    }

    // Null when there was nothing.
    private async Task<long?> DeleteInsideAsync(ImageId id, DateTimeOffset limit, CancellationToken cancellationToken)
    {
        using var imageLock = await _locks.EnterAsync(id, StagingError.UploadAborted, cancellationToken);
        var upload = HasUpload(id, limit) ? RemoveUpload(id) : null;
        var freed = await Task.Run(() => RemoveFile(id, limit), CancellationToken.None);
        return (upload ?? freed) is null ? null : (upload ?? 0) + (freed ?? 0);
    }

    private long? RemoveFile(ImageId id, DateTimeOffset limit)
    {
        if (FindImage(id, limit) is { } image)
        {
            var freed = _catalog.Remove(image) + RemoveDirectoryInPlace(id);
            _context.Metrics.ImageDeleted();
            StagingLog.ImageDeleted(_context.Log, id, freed);
            return freed;
        }

        return _catalog.TryGet(id, out _) ? null : _foreign.RemovePlain(id, limit);
    }

    // Somebody may have put a directory in the file's place, which is no part of the image but would keep its name.
    private long RemoveDirectoryInPlace(ImageId id)
    {
        var path = Layout.ImageFile(id);
        if (Posix.TryStatus(path) is null) return 0;
        var freed = _foreign.RemovePlain(id, DateTimeOffset.MaxValue) ?? 0;
        return Posix.TryStatus(path) is null
            ? freed
            : throw new StagingException(
                StagingError.DiskFailed,
                $"Image {id} is deleted, but {path}, which something else made in its place, cannot be removed: remove it.");
    }

    private StagedImage? FindImage(ImageId id, DateTimeOffset limit) =>
        _catalog.TryGet(id, out var image) && (image.FirstCommittedAt ?? image.CommittedAt) <= limit
            ? image : null;

    private bool HasUpload(ImageId id, DateTimeOffset limit) =>
        _uploads.TryGetValue(id, out var upload)
        && (upload.Header.FirstCommittedAt ?? upload.Header.StartedAt) <= limit;
}
