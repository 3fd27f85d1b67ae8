using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Space;

/// <summary>
/// Space that is promised to images before their first byte. A promise lasts as long as somebody holds it and names no
/// file: its holder writes a file of its own and says how far it is (<see cref="Adjust"/>), or an upload takes the space
/// over. Nothing of it is on disk, as no holder outlives the process.
/// </summary>
internal sealed class HeldReservations(StagingContext context, SpaceLedger space)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, HeldReservation> _held = [];
    private bool _revoked;

    /// <summary>The images for which space is held.</summary>
    public IReadOnlyCollection<ImageId> Images
    {
        get
        {
            lock (_lock) return [.. _held.Values.Select(held => held.ImageId).Distinct()];
        }
    }

    /// <summary>Promises space, which may be none at all. Other promises for the same image stand beside it.</summary>
    /// <exception cref="StagingException">NoSpace, Draining.</exception>
    public HeldReservation Hold(ImageId image, long bytes, string projectId)
    {
        CheckLimit(bytes);
        lock (_lock)
        {
            if (_revoked) throw Draining();
            var held = new HeldReservation(
                this, image, projectId, space.ReserveForUpload(bytes), context.Clock.GetUtcNow());
            return _held[held.Id] = held;
        }
    }

    /// <summary>Sets how many bytes are still to be written.</summary>
    /// <exception cref="StagingException">ReservationNotFound; NoSpace: it is as it was.</exception>
    public HeldReservation Adjust(string id, long remainingBytes)
    {
        CheckLimit(remainingBytes);
        lock (_lock)
        {
            var held = _held.GetValueOrDefault(id) ?? throw NotFound("");
            space.Resize(held.Space, remainingBytes);
            held.LastActiveAt = context.Clock.GetUtcNow();
            return held;
        }
    }

    /// <summary>Whether somebody holds this very reservation, for this image.</summary>
    public bool IsHeld(string id, ImageId image)
    {
        lock (_lock) return _held.TryGetValue(id, out var held) && held.ImageId == image;
    }

    /// <summary>Moves the space to an upload of the image. The holder keeps a promise of nothing.</summary>
    /// <param name="bytes">What the upload needs; null: all that is left, as nobody knows yet.</param>
    /// <param name="reclaimable">Bytes that the caller will remove from the volume when this succeeds.</param>
    /// <exception cref="StagingException">ReservationNotFound; NoSpace: it is as it was.</exception>
    public Reservation TakeOver(string id, ImageId image, long? bytes, long reclaimable)
    {
        lock (_lock)
        {
            if (!IsHeld(id, image)) throw NotFound(image);
            return space.TakeOver(_held[id].Space, bytes, reclaimable);
        }
    }

    /// <summary>The image is complete: what is left of the promise is given back. None by this id is no error.</summary>
    public void GiveBack(string id)
    {
        lock (_lock) _held.GetValueOrDefault(id)?.Space.Dispose();
    }

    /// <summary>The image as an upload, when space is held for it; null otherwise.</summary>
    public UploadSnapshot? Find(ImageId image)
    {
        lock (_lock)
        {
            var last = _held.Values.Where(held => held.ImageId == image).MaxBy(held => held.LastActiveAt);
            if (last is null) return null;
            var header = new UploadHeader(
                image, null, new Dictionary<string, string>(), last.ProjectId, last.HeldSince, BootId.Current);
            return new UploadSnapshot(header, UploadState.Reserved, 0, 0, last.LastActiveAt, "");
        }
    }

    /// <summary>Ends all promises, and refuses new ones from now on.</summary>
    public void RevokeAll()
    {
        lock (_lock)
        {
            _revoked = true;
            foreach (var held in _held.Values.ToList())
            {
                Release(held);
                held.Revoke();
            }
        }
    }

    public static StagingException Draining() => new(
        StagingError.Draining, "The sidecar is stopping, and holds no space any more. Reserve again in a moment, or elsewhere.");

    public static StagingException NotFound(ImageId image) => NotFound($" of image {image}");

    internal void Release(HeldReservation held)
    {
        lock (_lock)
        {
            if (_held.Remove(held.Id)) held.Space.Dispose();
        }
    }

    private void CheckLimit(long bytes)
    {
        var limit = context.Options.MaxImageBytes;
        if (bytes <= limit) return;
        throw new StagingException(
            StagingError.NoSpace,
            $"{bytes} bytes are needed and an image may have at most {limit} (Staging:MaxImageBytes).",
            ("needed", bytes),
            (SpaceLedger.NeverFact, "true"));
    }

    private static StagingException NotFound(string ofImage) => new(
        StagingError.ReservationNotFound,
        $"There is no such reservation{ofImage}: it ended with the Reserve call that made it. Reserve again.");
}
