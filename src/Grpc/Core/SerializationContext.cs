using System.Buffers;

namespace Grpc.Core;

/// <summary>
/// Where a serializer puts one message: either the whole of it in one <see cref="Complete(byte[])"/>, or piece by
/// piece into <see cref="GetBufferWriter"/> and then <see cref="Complete()"/>.
/// </summary>
public abstract class SerializationContext
{
    public virtual void Complete(byte[] payload) => throw new NotSupportedException();

    /// <summary>A writer straight into the transport when <see cref="SetPayloadLength"/> came first.</summary>
    public virtual IBufferWriter<byte> GetBufferWriter() => throw new NotSupportedException();

    /// <summary>Announces exactly how many bytes will follow; saves a buffer and a copy.</summary>
    public virtual void SetPayloadLength(int payloadLength)
    {
    }

    public virtual void Complete() => throw new NotSupportedException();
}
