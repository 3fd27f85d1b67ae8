using Grpc.Core;

namespace Grpc.Wire;

internal abstract class MessageReader : DeserializationContext
{
    public bool KeepsPayload { get; init; }
}
