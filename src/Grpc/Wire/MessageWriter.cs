using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using System.IO.Pipelines;
using Grpc.Core;

namespace Grpc.Wire;

/// <summary>
/// Puts messages into a body. A serializer that announces its length writes straight into the pipe; any other, and
/// any message that is compressed, goes through a rented buffer.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "the buffer is returned at the end of every Write")]
internal sealed class MessageWriter(PipeWriter body, int? maxMessageBytes, CompressionLevel level)
    : SerializationContext
{
    private int? _announcedBytes;
    private ExactWriter? _direct;
    private PooledBuffer? _buffer;
    private bool _compress;
    private bool _completed;

    /// <summary>Whether a serializer failed in mid-message, so that the body cannot go on.</summary>
    public bool IsTorn { get; private set; }

    /// <summary>Buffers one message; the caller flushes.</summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: over the limit, and nothing was written; INTERNAL: the
    /// serializer failed.</exception>
    public void Write<T>(Marshaller<T> marshaller, T message, bool compress)
    {
        _compress = compress;
        try
        {
            marshaller.ContextualSerializer(message, this);
            if (!_completed)
                throw new InvalidOperationException("The serializer did not complete its context.");
        }
        catch (Exception failed) when (failed is not RpcException)
        {
            throw new RpcException(new Status(StatusCode.Internal, "The message could not be serialized.", failed));
        }
        finally
        {
            IsTorn |= _direct is { IsExact: false };
            Reset();
        }
    }

    public override void SetPayloadLength(int payloadLength)
    {
        SizeLimit.CheckSent(payloadLength, maxMessageBytes);
        _announcedBytes = payloadLength;
    }

    public override IBufferWriter<byte> GetBufferWriter()
    {
        if (_direct is not null || _buffer is not null)
            return (IBufferWriter<byte>?)_direct ?? _buffer!;

        if (_announcedBytes is not { } bytes || _compress)
            return _buffer = new PooledBuffer(_announcedBytes ?? 0);

        new FrameHeader(false, (uint)bytes).Write(body);
        return _direct = new ExactWriter(body, bytes);
    }

    public override void Complete(byte[] payload)
    {
        CompleteOnce();
        WriteFrame(payload);
    }

    public override void Complete()
    {
        CompleteOnce();
        if (_direct is null)
            WriteFrame(_buffer is null ? [] : _buffer.Written.Span);
        else if (!_direct.IsExact)
            throw new InvalidOperationException("The serializer wrote less than it announced.");
    }

    private void CompleteOnce()
    {
        if (_completed)
            throw new InvalidOperationException("The serializer completed its context twice.");

        _completed = true;
    }

    private void WriteFrame(ReadOnlySpan<byte> payload)
    {
        SizeLimit.CheckSent(payload.Length, maxMessageBytes);
        if (!_compress || payload.IsEmpty)
        {
            new FrameHeader(false, (uint)payload.Length).Write(body);
            body.Write(payload);
            return;
        }

        using var packed = new PooledBuffer(payload.Length);
        GzipMessage.Compress(payload, packed, level);
        new FrameHeader(true, (uint)packed.Written.Length).Write(body);
        body.Write(packed.Written.Span);
    }

    private void Reset()
    {
        _buffer?.Dispose();
        _buffer = null;
        _direct = null;
        _announcedBytes = null;
        _completed = false;
    }
}
