using Grpc.Core;

namespace Sidecar.Grpc;

/// <summary>
/// Tells a hand-written deserializer whether it may keep slices of the payload instead of copying them.
/// </summary>
/// <remarks>
/// This implementation gives a reader of many messages (requests of client-streaming and duplex calls, responses of
/// server-streaming and duplex ones) a longer promise than the official surface does: what
/// <see cref="DeserializationContext.PayloadAsReadOnlySequence"/> returned stays valid until the next
/// <c>MoveNext</c> on that reader begins, or the handler's task (on a client: the call's Dispose) ends.
/// </remarks>
public static class PayloadLifetime
{
    /// <summary>True when the promise holds; false for single messages and for any other implementation.</summary>
    public static bool OutlivesDeserializer(DeserializationContext context) =>
        context is global::Grpc.Wire.MessageReader { KeepsPayload: true };
}
