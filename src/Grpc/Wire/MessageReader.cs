using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Grpc.Core;

namespace Grpc.Wire;

/// <summary>
/// Takes messages out of a body, one at a time, without copying them: the payload is a slice of the pipe until
/// <see cref="Release"/> (which the next <see cref="MoveNextAsync"/> begins with).
/// </summary>
/// <remarks>
/// A message that has not fully arrived is examined but not consumed, which keeps the peer's window open; the size
/// limit, checked as soon as the prefix is there, bounds what piles up that way.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "the buffer is returned by Release")]
internal sealed class MessageReader(PipeReader body, int? maxMessageBytes, string? encoding)
    : DeserializationContext
{
    private ReadOnlySequence<byte> _payload;
    private SequencePosition _end;
    private PooledBuffer? _inflated;
    private bool _held;

    /// <summary>Whether the payload outlives the deserializer: set for readers of many messages.</summary>
    public bool KeepsPayload { get; init; }

    /// <summary>Whether the last message came compressed.</summary>
    public bool WasCompressed { get; private set; }

    public override int PayloadLength => (int)_payload.Length;

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;

    /// <summary>Waits for a whole message; false at the end of the body.</summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED over the limit, INTERNAL for a broken frame.</exception>
    // Pooled, here and in the callers between this and the handler: it suspends for nearly every message.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        Release();
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            if (TryTake(read.Buffer))
                return true;

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
                return !read.Buffer.IsEmpty ? throw Broken("The body ends within a message.") : false;
        }
    }

    /// <summary>The message as its own type.</summary>
    /// <exception cref="RpcException">INTERNAL: the bytes are not such a message.</exception>
    public T Deserialize<T>(Marshaller<T> marshaller)
    {
        try
        {
            return marshaller.ContextualDeserializer(this) ?? throw Broken("The deserializer gave no message.");
        }
        catch (Exception failed) when (failed is not RpcException)
        {
            // Whatever a deserializer throws means that the peer sent something else than the method's message.
            throw new RpcException(new Status(StatusCode.Internal, "The message could not be deserialized.", failed));
        }
    }

    /// <summary>Gives the last message's memory back.</summary>
    public void Release()
    {
        if (!_held)
            return;

        _held = false;
        _payload = default;
        _inflated?.Dispose();
        _inflated = null;
        body.AdvanceTo(_end);
    }

    private bool TryTake(in ReadOnlySequence<byte> buffer)
    {
        try
        {
            if (!FrameHeader.TryRead(buffer, out var header))
                return false;

            CheckPrefix(header);
            if (buffer.Length - FrameHeader.Bytes < header.PayloadBytes)
                return false;

            Hold(header, buffer.Slice(FrameHeader.Bytes, header.PayloadBytes));
            return true;
        }
        catch
        {
            // The call is over; the one AdvanceTo that this read owes must still happen.
            body.AdvanceTo(buffer.End);
            throw;
        }
    }

    private void CheckPrefix(FrameHeader header)
    {
        SizeLimit.CheckReceived(header.PayloadBytes, maxMessageBytes);
        if (header.Compressed && encoding is (null or "" or MessageEncoding.Identity))
            throw Broken("A compressed message in a call without a message encoding.");
    }

    private void Hold(FrameHeader header, ReadOnlySequence<byte> payload)
    {
        _inflated = header.Compressed ? GzipMessage.Decompress(payload, maxMessageBytes) : null;
        _payload = _inflated is null ? payload : new(_inflated.Written);
        _end = payload.End;
        _held = true;
        WasCompressed = header.Compressed;
    }

    private static RpcException Broken(string detail) => new(new Status(StatusCode.Internal, detail));
}
