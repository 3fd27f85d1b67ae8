using Sidecar.Staging.Core;

namespace Sidecar.Staging.Space;

/// <summary>Free and total bytes of the file system under the staging directory.</summary>
internal readonly record struct VolumeSpace(long TotalBytes, long FreeBytes);

/// <summary>The ledger at one moment. All in bytes.</summary>
internal readonly record struct SpaceSnapshot(
    long TotalBytes, long FreeBytes, long ReservedBytes, long AvailableBytes, long LowWatermarkBytes,
    long HighWatermarkBytes, bool LowSpace);

/// <summary>
/// Promises of space over the real free space of the file system, so that nothing starts that cannot finish.
/// <para>
/// A reservation counts until its bytes are written: writing lowers the file system's free space and the reservation
/// by the same amount. Available is what is free, less all open reservations, less the reserve that is always kept
/// back. Below the low watermark new uploads are refused until the high one is reached again; imports are not, as
/// they are what frees the space.
/// </para>
/// </summary>
internal sealed class SpaceLedger(Func<VolumeSpace> measure, StagingOptions options)
{
    // When space may be free again is anybody's guess; half a minute keeps a waiting client polite.
    public static readonly TimeSpan RetryHint = TimeSpan.FromSeconds(30);

    /// <summary>Of NoSpace: "true" when no waiting will help, else "false".</summary>
    public const string NeverFact = "never";

    private readonly Lock _lock = new();
    private long _reservedBytes;
    private bool _lowSpace;

    public SpaceSnapshot Snapshot()
    {
        lock (_lock) return Measure(0);
    }

    /// <summary>Promises space for a new upload; refused below the low watermark too.</summary>
    /// <exception cref="StagingException"><see cref="StagingError.NoSpace"/>.</exception>
    public Reservation ReserveForUpload(long bytes) => ReserveForUpload(bytes, 0);

    /// <param name="reclaimable">Bytes that the caller will remove from the volume when this succeeds.</param>
    public Reservation ReserveForUpload(long bytes, long reclaimable)
    {
        lock (_lock)
        {
            var space = Measure(reclaimable);
            if (space.LowSpace) throw NoSpace(bytes, bytes, space, "the volume is below its low watermark");
            return Take(bytes, space);
        }
    }

    /// <summary>Promises space.</summary>
    /// <exception cref="StagingException"><see cref="StagingError.NoSpace"/>.</exception>
    public Reservation Reserve(long bytes)
    {
        lock (_lock) return Take(bytes, Measure(0));
    }

    internal void Grow(Reservation reservation, long wanted, long needed)
    {
        lock (_lock)
        {
            var space = Measure(0);
            if (needed > space.AvailableBytes)
            {
                throw NoSpace(needed, reservation.RemainingBytes + needed, space, "the volume is full");
            }

            var granted = Math.Clamp(wanted, needed, space.AvailableBytes);
            _reservedBytes += granted;
            reservation.RemainingBytes += granted;
        }
    }

    /// <summary>Sets what a reservation has left; on NoSpace it is unchanged.</summary>
    internal void Resize(Reservation reservation, long bytes, long reclaimable = 0)
    {
        lock (_lock)
        {
            var more = bytes - reservation.RemainingBytes;
            if (more > 0)
            {
                var space = Measure(reclaimable);
                if (more > space.AvailableBytes) throw NoSpace(more, bytes, space, "the volume has no room for it");
            }

            _reservedBytes += more;
            reservation.RemainingBytes = bytes;
        }
    }

    /// <summary>Moves what a reservation has left to a new one, of so many bytes when that is known.</summary>
    internal Reservation TakeOver(Reservation from, long? bytes, long reclaimable)
    {
        lock (_lock)
        {
            var wanted = bytes ?? from.RemainingBytes;
            Resize(from, wanted, reclaimable);
            from.RemainingBytes = 0;
            return new Reservation(this, wanted);
        }
    }

    internal void Shrink(Reservation reservation, long bytes)
    {
        lock (_lock)
        {
            var released = Math.Min(bytes, reservation.RemainingBytes);
            reservation.RemainingBytes -= released;
            _reservedBytes -= released;
        }
    }

    private Reservation Take(long bytes, SpaceSnapshot space)
    {
        if (bytes > space.AvailableBytes) throw NoSpace(bytes, bytes, space, "the volume has no room for it");
        _reservedBytes += bytes;
        return new Reservation(this, bytes);
    }

    private SpaceSnapshot Measure(long reclaimable)
    {
        var volume = measure();
        var unpromised = volume.FreeBytes + reclaimable - _reservedBytes;
        var low = volume.TotalBytes / 100 * options.LowWatermarkPercent;
        var high = volume.TotalBytes / 100 * options.HighWatermarkPercent;
        var lowSpace = unpromised < (_lowSpace ? high : low);
        if (reclaimable == 0) _lowSpace = lowSpace; // what is only planned must not leave the low state
        var available = Math.Max(0, unpromised - options.ReserveBytes);
        return new SpaceSnapshot(
            volume.TotalBytes, volume.FreeBytes, _reservedBytes, available, low, high, lowSpace);
    }

    // What is asked for now may be only a part of what has to be there at once.
    private StagingException NoSpace(long bytes, long whole, SpaceSnapshot space, string why)
    {
        var never = whole > space.TotalBytes - options.ReserveBytes;
        return new StagingException(
            StagingError.NoSpace,
            $"{bytes} bytes are needed and {space.AvailableBytes} are available ({space.FreeBytes} free, "
            + $"{space.ReservedBytes} promised to others): {why}. "
            + (never ? "Even if it were empty it could not hold them." : "Try again later, or release staged images."),
            [
                ("needed", bytes), ("free", space.FreeBytes), ("reserved", space.ReservedBytes),
                ("available", space.AvailableBytes), (NeverFact, never ? "true" : "false"), .. RetryFact(never),
            ]);
    }

    private static IEnumerable<(string Name, object? Value)> RetryFact(bool never) =>
        never ? [] : [("retry_after_seconds", (long)RetryHint.TotalSeconds)];
}
