using System.Buffers;

namespace Sidecar.Import.Disks;

/// <summary>What one read brings, and whose turn it is; as <see cref="DiskReader"/> says.</summary>
internal sealed class ReadBuffer
{
    private const int OffsetBytes = 8;
    private const int HoleBytes = 12;

    private ulong _cookie;
    private long _offset;
    private int _length;
    private int _filled;
    private bool _isAsked;

    public byte[] Bytes { get; } = ArrayPool<byte>.Shared.Rent(DiskMap.BlockBytes);

    public bool IsFilled { get; private set; }

    public void Expect(ulong cookie, long offset, int length) =>
        (_cookie, _offset, _length, _filled, _isAsked, IsFilled) = (cookie, offset, length, 0, true, false);

    public bool Awaits(ulong cookie) => _isAsked && _cookie == cookie;

    /// <summary>Takes a piece of the answer, which is to follow the one before: so nothing is left out, or comes twice.</summary>
    public void Fill(NbdConnection connection, NbdChunk chunk)
    {
        if (chunk is { Type: Nbd.ChunkNone, IsLast: true, Length: 0 }) return;
        if (chunk.Type is not (Nbd.ChunkData or Nbd.ChunkHole)) throw Nonsense();
        if (chunk.Type == Nbd.ChunkHole && chunk.Length != HoleBytes) throw Nonsense();
        if (chunk.Length <= OffsetBytes || connection.ReceiveUInt64() != (ulong)(_offset + _filled)) throw Nonsense();
        var length = chunk.Type == Nbd.ChunkHole ? connection.ReceiveUInt32() : chunk.Length - OffsetBytes;
        if (length == 0 || length > _length - _filled) throw Nonsense();
        var bytes = Bytes.AsSpan(_filled, (int)length);
        if (chunk.Type == Nbd.ChunkHole) bytes.Clear();
        else connection.Receive(bytes);
        _filled += (int)length;
    }

    public void Complete()
    {
        if (_filled != _length) throw Nonsense();
        (_isAsked, IsFilled) = (false, true);
    }

    public void Return() => ArrayPool<byte>.Shared.Return(Bytes);

    private static NbdException Nonsense() => NbdException.Violated("its answer to a read does not fit");
}
