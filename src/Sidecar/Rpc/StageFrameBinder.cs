using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Grpc;

namespace Sidecar.Rpc;

/// <summary>
/// Binds the Staging service as generated, except that the messages of Stage are read as <see cref="StageFrame"/>s.
/// </summary>
internal sealed class StageFrameBinder(ServiceBinderBase inner, StagingService? service) : ServiceBinderBase
{
    private const string StageName = "Stage";

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(method, handler);

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(method, handler);

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        inner.AddMethod(method, handler);

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        if (method.Name != StageName)
        {
            inner.AddMethod(method, handler);
            return;
        }

        var frames = new Method<StageFrame, StagedImage>(
            method.Type,
            method.ServiceName,
            method.Name,
            new Marshaller<StageFrame>(NeverSent, Receive),
            (Marshaller<StagedImage>)(object)method.ResponseMarshaller);
        inner.AddMethod(frames, service is null ? null : service.Stage);
    }

    private static StageFrame Receive(DeserializationContext context)
    {
        var payload = PayloadLifetime.OutlivesDeserializer(context)
            ? context.PayloadAsReadOnlySequence()
            : new(context.PayloadAsNewBuffer());
        return StageFrameParser.Parse(payload);
    }

    private static void NeverSent(StageFrame frame, SerializationContext context) =>
        throw new NotSupportedException("Stage frames are only received.");
}
