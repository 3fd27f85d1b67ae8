using Sidecar.Staging.Core;

namespace Sidecar.Staging.Space;

/// <summary>Space that somebody holds for an image, until disposed. <see cref="Revoked"/> asks the holder to leave.</summary>
internal sealed class HeldReservation : IDisposable
{
    private readonly HeldReservations _all;
    private readonly CancellationTokenSource _revoked = new();

    internal HeldReservation(
        HeldReservations all, ImageId image, string projectId, Reservation space, DateTimeOffset heldSince)
    {
        _all = all;
        ImageId = image;
        ProjectId = projectId;
        Space = space;
        HeldSince = heldSince;
        LastActiveAt = heldSince;
    }

    /// <summary>By which an upload, or an adjustment, names it.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("D");

    public ImageId ImageId { get; }

    public string ProjectId { get; }

    public DateTimeOffset HeldSince { get; }

    /// <summary>Bytes that are promised and not written yet.</summary>
    public long RemainingBytes => Space.RemainingBytes;

    /// <summary>Cancelled when the process drains; the space is given back by then.</summary>
    public CancellationToken Revoked => _revoked.Token;

    /// <summary>When the holder last said how far it is.</summary>
    internal DateTimeOffset LastActiveAt { get; set; }

    internal Reservation Space { get; }

    public void Dispose() => _all.Release(this);

    // The callbacks run elsewhere: they end a call, which comes back here.
    internal void Revoke() => _ = Task.Run(_revoked.Cancel);
}
