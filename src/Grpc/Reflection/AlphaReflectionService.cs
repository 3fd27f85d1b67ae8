using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;

namespace Grpc.Reflection;

/// <summary>
/// <c>grpc.reflection.v1alpha.ServerReflection</c>, which older tools ask for. Its messages are the same on the wire
/// as those of v1, so the v1 ones serve under the other name.
/// </summary>
[BindServiceMethod(typeof(AlphaReflectionService), nameof(BindService))]
internal sealed class AlphaReflectionService(ReflectionAnswers answers) : ReflectionService(answers)
{
    private static readonly Method<ServerReflectionRequest, ServerReflectionResponse> Info = new(
        MethodType.DuplexStreaming,
        Descriptor.FullName,
        nameof(ServerReflectionInfo),
        Marshaller(ServerReflectionRequest.Parser),
        Marshaller(ServerReflectionResponse.Parser));

    /// <summary>What reflection says about itself under this name.</summary>
    public static ServiceDescriptor Descriptor => V1Alpha.ServerReflection.Descriptor;

    public static void BindService(ServiceBinderBase binder, AlphaReflectionService? service)
    {
        binder.AddMethod(
            Info,
            service is null
                ? null
                : new DuplexStreamingServerMethod<ServerReflectionRequest, ServerReflectionResponse>(
                    service.ServerReflectionInfo));
    }

    private static Marshaller<T> Marshaller<T>(MessageParser<T> parser)
        where T : class, IMessage<T> => Marshallers.Create(
            (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
