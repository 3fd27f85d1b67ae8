namespace Sidecar.Stores.Writers.S3;

/// <summary>
/// The bytes of a block as the body of a request, which may be sent again: no copy, and of a hole zeros, which its buffer has not.
/// </summary>
internal static class S3Body
{
    public static Stream Of(Block? block) => block switch
    {
        null => Stream.Null,
        { HasData: true } => new MemoryStream(block.Buffer, 0, block.Count, writable: false),
        _ => new ZeroStream(block.Count),
    };

    private sealed class ZeroStream(long length) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Clamp(length - Position, 0, buffer.Length);
            buffer[..count].Clear();
            Position += count;
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            Task.FromResult(Read(buffer.AsSpan(offset, count)));

        public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => Position + offset,
            _ => length + offset,
        };

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
