using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;
using Sidecar.Staging.Uploads;

namespace Sidecar.Routing.Outputs;

/// <summary>
/// An output as it arrives: <c>data</c>, and a <c>journal</c> of how far it is durable, as an upload has. What was not made
/// durable is forgotten once the file is closed, as an fsync that failed may have lost it: only the last durable point counts,
/// and only when the bytes up to it still have their CRC-32C. Else the transfer begins anew, as the owner has all of it.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private const long WritebackStepBytes = 8 << 20; // as an upload's

    private readonly SafeFileHandle _data;
    private readonly UploadJournal _journal;
    private readonly long _intervalBytes;
    private uint _crc;
    private long _writebackOffset;

    private OutputFile(SafeFileHandle data, UploadJournal journal, long intervalBytes, ReceivedPoint received)
    {
        _data = data;
        _journal = journal;
        _intervalBytes = intervalBytes;
        (Offset, _crc) = received;
        _writebackOffset = Offset;
    }

    /// <summary>Where the next byte belongs.</summary>
    public long Offset { get; private set; }

    /// <summary>Opens what an earlier transfer left, or begins.</summary>
    /// <param name="boot">The kernel under which the transfer began.</param>
    /// <param name="intervalBytes">Bytes after which a durable point is made.</param>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public static OutputFile Open(string directory, Guid boot, long intervalBytes, CancellationToken cancellationToken)
    {
        var data = DurableFiles.OpenWritable(Path.Combine(directory, "data"), FileMode.OpenOrCreate);
        UploadJournal? journal = null;
        try
        {
            var start = new DurablePoint(0, Crc32C.Empty, boot, Failed: false);
            journal = UploadJournal.Open(Path.Combine(directory, "journal"), start);
            return new OutputFile(data, journal, intervalBytes, Recover(data, journal.Last, cancellationToken));
        }
        catch
        {
            journal?.Dispose();
            data.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_data, bytes, Offset);
        _crc = Crc32C.Append(_crc, bytes);
        Offset += bytes.Length;
        Follow();
    }

    /// <summary>Leaves a hole.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void AppendZeros(long count)
    {
        if (count == 0) return;
        RandomAccess.SetLength(_data, Offset + count);
        _crc = Crc32C.AppendZeros(_crc, count);
        Offset += count;
        Follow();
    }

    /// <summary>Makes all of it durable.</summary>
    /// <exception cref="IOException">The disk failed; nothing of the file can be trusted any more.</exception>
    public void Sync() => Posix.Sync(_data);

    /// <summary>Makes a durable point of what is there, for the next transfer to go on from.</summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void Checkpoint()
    {
        Sync();
        _journal.Append(new DurablePoint(Offset, _crc, BootId.Current, Failed: false));
    }

    public void Dispose()
    {
        _journal.Dispose();
        _data.Dispose();
    }

    private static ReceivedPoint Recover(SafeFileHandle data, DurablePoint durable, CancellationToken cancellationToken)
    {
        var length = RandomAccess.GetLength(data);
        if (length >= durable.Offset)
        {
            var crc = FileCrc.Compute(data, 0, durable.Offset, Crc32C.Empty, cancellationToken);
            if (crc == durable.Crc32C)
            {
                RandomAccess.SetLength(data, durable.Offset);
                return new(durable.Offset, crc);
            }
        }

        RandomAccess.SetLength(data, 0);
        return new(0, Crc32C.Empty);
    }

    private void Follow()
    {
        if (Offset - _writebackOffset >= WritebackStepBytes)
        {
            Posix.StartWriteback(_data, _writebackOffset, Offset - _writebackOffset);
            _writebackOffset = Offset;
        }

        if (Offset - _journal.Last.Offset >= _intervalBytes) Checkpoint();
    }
}
