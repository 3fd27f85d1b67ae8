using System.Globalization;
using System.Text;
using Stagectl.Transfer;

namespace Stagectl.Ingest;

/// <summary>The rest of a source as the body of a request: as it is where its length is known, else in chunks.</summary>
internal sealed class UploadBody
{
    private const int PieceBytes = 1 << 20;
    private const int RoomBefore = 10; // eight digits and the end of their line

    private readonly UploadSource _source;
    private readonly byte[] _buffer = new byte[RoomBefore + PieceBytes + 2];
    private bool _ended;

    public UploadBody(UploadSource source) => (_source, Length) = (source, source.Size - source.Offset);

    /// <summary>Null: in chunks.</summary>
    public long? Length { get; }

    /// <summary>What is to be sent next, good until the next call; empty at the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken)
    {
        if (_ended) return default;
        var read = await _source.ReadAsync(_buffer.AsMemory(RoomBefore, PieceBytes), cancellationToken);
        _ended = read == 0;
        return Length is null ? Chunk(read) : _buffer.AsMemory(RoomBefore, read);
    }

    // Around the bytes, so that it is sent in one go. The chunk of no bytes is the last one.
    private Memory<byte> Chunk(int count)
    {
        var head = Encoding.ASCII.GetBytes(count.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
        var start = RoomBefore - head.Length;
        head.CopyTo(_buffer, start);
        "\r\n"u8.CopyTo(_buffer.AsSpan(RoomBefore + count));
        return _buffer.AsMemory(start, head.Length + count + 2);
    }
}
