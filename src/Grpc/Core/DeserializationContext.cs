using System.Buffers;

namespace Grpc.Core;

/// <summary>One received message, for the time of the deserializer's call only (see <c>PayloadLifetime</c>).</summary>
public abstract class DeserializationContext
{
    public abstract int PayloadLength { get; }

    /// <summary>A copy that the caller owns.</summary>
    public abstract byte[] PayloadAsNewBuffer();

    /// <summary>The transport's own memory; not copied.</summary>
    public virtual ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(PayloadAsNewBuffer());
}
