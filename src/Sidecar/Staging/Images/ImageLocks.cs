using System.Diagnostics.CodeAnalysis;
using Sidecar.Staging.Core;

namespace Sidecar.Staging.Images;

/// <summary>
/// One lock per image: only its holder changes the image. A newcomer does not wait for a silent holder; it fences the holder
/// off, so that a sender that reconnects is not locked out by its own dead connection. Among several writers that wait, the
/// newest wins.
/// <para>
/// A lock is the queue of those who want the image; the first one holds it. Queue and revocations change under one mutex, and
/// whoever leaves lets the next one in within it. So at no moment is an image without a holder while somebody waits, and a
/// newcomer revokes all before it: also the one that holds the lock already, but whose thread does not run yet.
/// </para>
/// </summary>
internal sealed class ImageLocks
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ImageId, List<ImageLock>> _queues = [];

    /// <summary>Enters as the newest writer of an image.</summary>
    /// <exception cref="StagingException">
    /// UploadTakenOver, UploadAborted, Draining: while this one waited, a still newer writer came, or one that removes the
    /// image, or the process began to end.
    /// </exception>
    public async Task<ImageLock> EnterAsWriterAsync(ImageId id, CancellationToken cancellationToken)
    {
        var place = await EnterAsync(id, StagingError.UploadTakenOver, cancellationToken);
        if (place.RevokedFor is not { } reason) return place;
        place.Dispose();
        throw TakenOver(id, reason);
    }

    /// <summary>
    /// Enters to remove or replace the image; the holder, and those that wait already, are told <paramref name="reason"/>.
    /// </summary>
    public async Task<ImageLock> EnterAsync(ImageId id, StagingError reason, CancellationToken cancellationToken)
    {
        var place = Join(id, reason);
        try
        {
            await place.Turn.WaitAsync(cancellationToken);
            return place;
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    /// <summary>Enters if nobody is inside or waits, and disturbs nobody else.</summary>
    public bool TryEnter(ImageId id, [NotNullWhen(true)] out ImageLock? place)
    {
        lock (_lock)
        {
            place = _queues.ContainsKey(id) ? null : JoinLocked(id);
            return place is not null;
        }
    }

    /// <summary>Asks everybody to leave.</summary>
    public void RevokeAll(StagingError reason)
    {
        lock (_lock)
        {
            foreach (var place in _queues.Values.SelectMany(queue => queue)) place.Revoke(reason);
        }
    }

    internal static StagingException TakenOver(ImageId id, StagingError reason) => reason switch
    {
        StagingError.Draining => new StagingException(
            reason, "The sidecar is stopping. Ask GetUpload for the received offset and resume there in a moment."),
        StagingError.UploadTakenOver => new StagingException(
            reason, $"A newer Stage call for image {id} has taken over; this one ends."),
        _ => new StagingException(reason, $"The upload of image {id} was aborted, or its image deleted."),
    };

    /// <summary>Whether it was inside or gave up waiting.</summary>
    internal void Leave(ImageId id, ImageLock place)
    {
        lock (_lock)
        {
            var queue = _queues[id];
            queue.Remove(place);
            if (queue.Count == 0) _queues.Remove(id);
            else queue[0].LetIn(); // once more, when it was inside already, does nothing
        }
    }

    private ImageLock Join(ImageId id, StagingError reason)
    {
        lock (_lock)
        {
            foreach (var before in _queues.GetValueOrDefault(id, [])) before.Revoke(reason);
            return JoinLocked(id);
        }
    }

    private ImageLock JoinLocked(ImageId id)
    {
        if (!_queues.TryGetValue(id, out var queue)) _queues[id] = queue = [];
        var place = new ImageLock(this, id);
        queue.Add(place);
        if (queue.Count == 1) place.LetIn();
        return place;
    }
}
