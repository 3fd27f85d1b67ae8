using Sidecar.Staging.Core;

namespace Sidecar.Staging.Space;

/// <summary>
/// Space promised to one upload or import. Consume it as bytes are written; dispose it to give back the rest.
/// </summary>
internal sealed class Reservation(SpaceLedger ledger, long bytes) : IDisposable
{
    /// <summary>Promised and not written yet. The ledger's lock guards it.</summary>
    internal long RemainingBytes { get; set; } = bytes;

    /// <summary>Bytes that were written count as used space from now on. More than remains is no error.</summary>
    public void Consume(long bytes) => ledger.Shrink(this, bytes);

    /// <summary>Adds <paramref name="wanted"/> bytes, or as many as there are from <paramref name="needed"/> on.</summary>
    /// <exception cref="StagingException"><see cref="StagingError.NoSpace"/>; the reservation is unchanged.</exception>
    public void Grow(long wanted, long needed) => ledger.Grow(this, wanted, needed);

    /// <exception cref="StagingException"><see cref="StagingError.NoSpace"/>; the reservation is unchanged.</exception>
    public void Grow(long bytes) => ledger.Grow(this, bytes, bytes);

    public void Dispose() => ledger.Shrink(this, long.MaxValue);
}
