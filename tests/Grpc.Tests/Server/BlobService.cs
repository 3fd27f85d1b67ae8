using System.Buffers;
using Grpc.Core;
using Grpc.Testing;
using Sidecar.Grpc;

namespace Grpc.Tests.Server;

/// <summary>A message that keeps the transport's memory instead of copying it.</summary>
internal sealed record Blob(ReadOnlySequence<byte> Bytes, bool Keeps)
{
    public static Marshaller<Blob> Marshaller { get; } = Marshallers.Create<Blob>(
        (blob, context) =>
        {
            context.SetPayloadLength((int)blob.Bytes.Length);
            foreach (var piece in blob.Bytes)
                context.GetBufferWriter().Write(piece.Span);

            context.Complete();
        },
        context => new Blob(context.PayloadAsReadOnlySequence(), PayloadLifetime.OutlivesDeserializer(context)));
}

/// <summary>Registers a method of its own beside the generated ones.</summary>
[BindServiceMethod(typeof(BlobService), nameof(BindService))]
internal sealed class BlobService : TestService.TestServiceBase
{
    public static Method<Blob, Blob> PutMethod { get; } =
        new(MethodType.DuplexStreaming, "test.Blobs", nameof(Put), Blob.Marshaller, Blob.Marshaller);

    public static void BindService(ServiceBinderBase binder, BlobService? service)
    {
        binder.AddMethod(
            PutMethod, service is null ? null : new DuplexStreamingServerMethod<Blob, Blob>(service.Put));
        TestService.BindService(binder, service);
    }

    /// <summary>Sends every message back, straight from where it was received.</summary>
    public async Task Put(
        IAsyncStreamReader<Blob> requests, IServerStreamWriter<Blob> responses, ServerCallContext context)
    {
        await foreach (var blob in requests.ReadAllAsync())
        {
            Assert.That(blob.Keeps, Is.True);
            await responses.WriteAsync(blob);
        }
    }
}
