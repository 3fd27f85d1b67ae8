namespace Stagectl.Transfer;

/// <summary>
/// The bytes of an upload, read in order, with their CRC-32C so far. Can be set to where the sidecar wants to go on.
/// </summary>
internal abstract class UploadSource : IDisposable
{
    /// <summary>Bytes from beginning to end; null when only the end will tell.</summary>
    public abstract long? Size { get; }

    /// <summary>Where the next read begins.</summary>
    public long Offset { get; protected set; }

    /// <summary>Of everything before <see cref="Offset"/>.</summary>
    public uint Crc32C { get; protected set; }

    /// <summary>Fills the buffer as far as there are bytes; 0 at the end.</summary>
    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <exception cref="Failures.CommandException">The bytes from there on cannot be had again.</exception>
    public abstract ValueTask SeekAsync(long offset, CancellationToken cancellationToken);

    /// <summary>Reads to the end; <see cref="Offset"/> and <see cref="Crc32C"/> are those of the whole then.</summary>
    public async Task SkipToEndAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[1 << 20];
        while (await ReadAsync(buffer, cancellationToken) > 0)
        {
            // ReadAsync counts.
        }
    }

    public abstract void Dispose();
}
