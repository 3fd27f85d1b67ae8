using Stagectl.Failures;
using Crc = Sidecar.Staging.Files.Crc32C;

namespace Stagectl.Transfer;

/// <summary>
/// A pipe, which can be read once only. The newest bytes are kept, so that a broken connection can be made good: the
/// sidecar has all but what was in flight, and flow control keeps that below the window's size.
/// </summary>
internal sealed class PipeSource(Stream pipe, int windowBytes = PipeSource.DefaultWindowBytes) : UploadSource
{
    public const int DefaultWindowBytes = 16 << 20;

    // A ring: byte n of the pipe is at n modulo its length.
    private readonly byte[] _window = new byte[windowBytes];
    private long _windowStart;
    private uint _windowStartCrc32C = Crc.Empty;
    private long _readEnd;
    private bool _ended;

    public override long? Size => _ended ? _readEnd : null;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (Offset == _readEnd) await FillAsync(buffer.Length, cancellationToken);
        var count = (int)Math.Min(buffer.Length, _readEnd - Offset);
        for (var copied = 0; copied < count;)
        {
            var piece = Piece(Offset, count - copied).Span;
            piece.CopyTo(buffer.Span[copied..]);
            Crc32C = Crc.Append(Crc32C, piece);
            Offset += piece.Length;
            copied += piece.Length;
        }

        return count;
    }

    public override ValueTask SeekAsync(long offset, CancellationToken cancellationToken)
    {
        if (offset < _windowStart || offset > _readEnd)
        {
            throw new CommandException(Failure.Local(
                $"The upload has to go on at {offset}, and standard input was read up to {_readEnd}: what came before "
                + $"{_windowStart} is gone. Put a file to be able to resume anywhere."));
        }

        (Offset, Crc32C) = (_windowStart, _windowStartCrc32C);
        while (Offset < offset)
        {
            var piece = Piece(Offset, offset - Offset).Span;
            Crc32C = Crc.Append(Crc32C, piece);
            Offset += piece.Length;
        }

        return ValueTask.CompletedTask;
    }

    public override void Dispose() => pipe.Dispose();

    private async Task FillAsync(int wanted, CancellationToken cancellationToken)
    {
        var end = _readEnd + Math.Min(wanted, _window.Length);
        while (_readEnd < end && !_ended)
        {
            var room = Piece(_readEnd, end - _readEnd);
            Forget(_readEnd + room.Length - _window.Length);
            // A read of standard input cannot be cancelled: it is left behind.
            var read = await pipe.ReadAsync(room, CancellationToken.None).AsTask().WaitAsync(cancellationToken);
            _ended = read == 0;
            _readEnd += read;
        }
    }

    // Gives up the oldest bytes, up to there.
    private void Forget(long offset)
    {
        while (_windowStart < offset)
        {
            var piece = Piece(_windowStart, offset - _windowStart).Span;
            _windowStartCrc32C = Crc.Append(_windowStartCrc32C, piece);
            _windowStart += piece.Length;
        }
    }

    // What lies in one piece in the ring.
    private Memory<byte> Piece(long offset, long count)
    {
        var start = (int)(offset % _window.Length);
        return _window.AsMemory(start, (int)Math.Min(count, _window.Length - start));
    }
}
