using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Tests.Wire;

public sealed class MessageWriterTests
{
    private static readonly Marshaller<byte[]> Announcing = Marshaller((message, context) =>
    {
        context.SetPayloadLength(message.Length);
        context.GetBufferWriter().Write(message);
        context.Complete();
    });

    private static readonly Marshaller<byte[]> Streaming = Marshaller((message, context) =>
    {
        context.GetBufferWriter().Write(message);
        context.Complete();
    });

    private readonly MemoryStream _wire = new();

    public static Marshaller<byte[]>[] Kinds => [Announcing, Streaming, Frames.Bytes];

    [Test]
    public async Task Write_AnySerializer_MakesTheSameFrame([Range(0, 2)] int kind, [Values(0, 1, 70_000)] int size)
    {
        var message = Frames.Pattern(size);
        await WriteAsync(Kinds[kind], message, compress: false);
        Assert.That(_wire.ToArray(), Is.EqualTo(Frames.Frame(message)));
    }

    [Test]
    public async Task Write_Compressed_ReadsBack([Range(0, 2)] int kind)
    {
        var message = new byte[70_000];
        await WriteAsync(Kinds[kind], message, compress: true);
        var wire = _wire.ToArray();
        Assert.That(wire[0], Is.EqualTo(1));
        Assert.That(wire, Has.Length.LessThan(1000));
        Assert.That(Frames.Gunzip(wire[5..]), Is.EqualTo(message));
    }

    [Test]
    public void Write_OverTheLimit_WritesNothing([Range(0, 2)] int kind)
    {
        Assert.That(
            async () => await WriteAsync(Kinds[kind], new byte[101], compress: false, limit: 100),
            Throws.TypeOf<RpcException>().With.Property(nameof(RpcException.StatusCode))
                .EqualTo(StatusCode.ResourceExhausted));
        Assert.That(_wire.Length, Is.Zero);
    }

    [Test]
    public void Write_LessThanAnnounced_LeavesTheBodyTorn()
    {
        var writer = Writer(PipeWriter.Create(_wire), null);
        var lying = Marshaller((_, context) =>
        {
            context.SetPayloadLength(10);
            context.GetBufferWriter().Write(new byte[9]);
            context.Complete();
        });
        Assert.That(() => writer.Write(lying, [], compress: false), Throws.TypeOf<RpcException>());
        Assert.That(writer.IsTorn, Is.True);
    }

    [Test]
    public void Write_SerializerThatFails_IsInternal()
    {
        var writer = Writer(PipeWriter.Create(_wire), null);
        var failing = Marshaller((_, _) => throw new FormatException("broken"));
        Assert.That(
            () => writer.Write(failing, [], compress: false),
            Throws.TypeOf<RpcException>().With.InnerException.TypeOf<FormatException>());
        Assert.That(writer.IsTorn, Is.False);
    }

    private static Marshaller<byte[]> Marshaller(Action<byte[], SerializationContext> serializer) =>
        Marshallers.Create(serializer, context => context.PayloadAsNewBuffer());

    private static MessageWriter Writer(PipeWriter pipe, int? limit) => new(pipe, limit, CompressionLevel.Fastest);

    private async Task WriteAsync(Marshaller<byte[]> marshaller, byte[] message, bool compress, int? limit = null)
    {
        var pipe = PipeWriter.Create(_wire, new StreamPipeWriterOptions(leaveOpen: true));
        Writer(pipe, limit).Write(marshaller, message, compress);
        await pipe.CompleteAsync();
    }
}
