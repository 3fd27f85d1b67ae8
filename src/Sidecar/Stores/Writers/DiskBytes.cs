using Sidecar.Import.Disks;
using Sidecar.Import.Processes;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Writers;

/// <summary>The bytes of a disk that a program serves, read ahead. What reads as zeros is not read.</summary>
internal sealed class DiskBytes : IImageBytes
{
    private readonly NbdConnection _connection;
    private readonly DiskReader _reader;
    private readonly IEnumerator<DiskPiece> _pieces;

    /// <exception cref="NbdException">The program hung up, or serves nonsense.</exception>
    /// <exception cref="StoreException"><see cref="StoreError.StoreCorrupt"/>: the disk has another size.</exception>
    public DiskBytes(DiskJob job, long size)
    {
        var socket = ChildServer.TryConnect(job.Directory) ?? throw new NbdException(NbdFault.Lost, "It does not listen.");
        _connection = NbdConnection.Open(socket);
        try
        {
            if (_connection.Export.Size != size) throw SourceReader.Corrupt($"its disk is of another size than the {size} bytes that it had");
            _reader = new DiskReader(_connection, DiskMapReader.Read(_connection), job.Requests);
            _pieces = _reader.Read().GetEnumerator();
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <exception cref="NbdException">The program hung up, tells an error, or answers nonsense.</exception>
    public bool Read(Span<byte> block, long offset)
    {
        var hasData = false;
        for (var done = 0; done < block.Length;)
        {
            if (_pieces.Current.End <= offset + done) MoveNext(offset + done);
            var piece = _pieces.Current;
            var skipped = (int)Math.Min(offset + done - piece.Offset, int.MaxValue);
            var part = block[done..][..(int)Math.Min(piece.End - offset - done, block.Length - done)];
            // What was a hole so far is one of a block with data.
            if (piece.Data is not null && !hasData) block[..done].Clear();
            hasData |= piece.Data is not null;
            if (piece.Data is { } data) data.AsSpan(skipped, part.Length).CopyTo(part);
            else if (hasData) part.Clear();
            done += part.Length;
        }

        return hasData;
    }

    public void Dispose()
    {
        _pieces.Dispose();
        _reader.Dispose();
        _connection.Dispose();
    }

    private void MoveNext(long offset)
    {
        if (!_pieces.MoveNext() || _pieces.Current.Offset != offset) throw NbdException.Violated("its disk has gaps");
    }
}
