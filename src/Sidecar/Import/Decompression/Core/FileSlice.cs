using Microsoft.Win32.SafeHandles;

namespace Sidecar.Import.Decompression.Core;

/// <summary>
/// A range of a file as a stream for <see cref="System.IO.Compression.DeflateStream"/>. It tells where the latest
/// read began and ended: an inflater asks for more only when it has used up everything before, so that is where the
/// compressed data ends, to a few kilobytes.
/// </summary>
internal sealed class FileSlice(SafeFileHandle file, long start, long end) : Stream
{
    /// <summary>Offset in the file at which the latest read began.</summary>
    public long LatestStart { get; private set; } = start;

    /// <summary>Offset in the file up to which was read.</summary>
    public long Offset { get; private set; } = start;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var wanted = (int)Math.Min(buffer.Length, end - Offset);
        var read = wanted > 0 ? RandomAccess.Read(file, buffer[..wanted], Offset) : 0;
        if (read == 0) return 0;
        LatestStart = Offset;
        Offset += read;
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
