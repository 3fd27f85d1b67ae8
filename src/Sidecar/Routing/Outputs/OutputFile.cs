using Sidecar.Staging.Files;
using Sidecar.Staging.Uploads;

namespace Sidecar.Routing.Outputs;

/// <summary>
/// An output as it arrives, in a <see cref="ResumableFile"/>. What was not made durable is forgotten once the file is closed, as
/// an fsync that failed may have lost it: only the last durable point counts, and only when the bytes up to it still have their
/// CRC-32C. Else the transfer starts again from the beginning, as the owner has all of it.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private readonly ResumableFile _file;
    private uint _crc;

    private OutputFile(ResumableFile file, ReceivedPoint received)
    {
        _file = file;
        (Offset, _crc) = received;
        _file.BeginAt(Offset);
    }

    /// <summary>Where the next byte belongs.</summary>
    public long Offset { get; private set; }

    /// <summary>Opens what an earlier transfer left, or begins.</summary>
    /// <param name="boot">The kernel under which the transfer began.</param>
    /// <param name="intervalBytes">Bytes after which a durable point is made.</param>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public static OutputFile Open(string directory, Guid boot, long intervalBytes, CancellationToken cancellationToken)
    {
        var start = new DurablePoint(0, Crc32C.Empty, boot, Failed: false);
        var file = ResumableFile.Open(
            Path.Combine(directory, "data"), Path.Combine(directory, "journal"), start, intervalBytes);
        try
        {
            var durable = file.Durable;
            var kept = ResumableFile.IsIntact(file.Data, durable, cancellationToken)
                ? new ReceivedPoint(durable.Offset, durable.Crc32C) : new ReceivedPoint(0, Crc32C.Empty);
            RandomAccess.SetLength(file.Data, kept.Offset);
            return new OutputFile(file, kept);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file.Data, bytes, Offset);
        _crc = Crc32C.Append(_crc, bytes);
        Advance(bytes.Length);
    }

    /// <summary>Leaves a hole.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void AppendZeros(long count)
    {
        if (count == 0) return;
        RandomAccess.SetLength(_file.Data, Offset + count);
        _crc = Crc32C.AppendZeros(_crc, count);
        Advance(count);
    }

    /// <summary>Makes all of it durable.</summary>
    /// <exception cref="IOException">The disk failed; nothing of the file can be trusted any more.</exception>
    public void Sync() => _file.Sync();

    /// <summary>Makes a durable point of what is there, for the next transfer to go on from.</summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void Checkpoint()
    {
        _file.Sync();
        _file.NoteDurable(new ReceivedPoint(Offset, _crc));
    }

    public void Dispose() => _file.Dispose();

    private void Advance(long count)
    {
        Offset += count;
        if (_file.Follow(Offset)) Checkpoint();
    }
}
