namespace Sidecar.Import.Inspection.Core;

/// <summary>
/// A format asked for bytes of a growing image that have not arrived. Only <see cref="ImageFormat"/> sees it, which
/// turns it into an undecided verdict: formats read as if everything were there.
/// </summary>
internal sealed class BytesPendingException(long neededBytes) : Exception
{
    /// <summary>How many bytes must have arrived; <see cref="long.MaxValue"/>: all.</summary>
    public long NeededBytes { get; } = neededBytes;
}
