using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Tests.Wire;

[CancelAfter(30_000)]
public sealed class MessageReaderTests
{
    private const int Limit = 4096;

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(5)]
    [TestCase(6)]
    [TestCase(1000)]
    public async Task MoveNext_FramesInPieces_GivesEachMessage(int pieceBytes, CancellationToken cancellationToken)
    {
        byte[][] messages = [Frames.Pattern(10), [], Frames.Pattern(3000, 7), Frames.Pattern(1)];
        var wire = messages.SelectMany(message => Frames.Frame(message)).ToArray();
        var pipe = new Pipe();
        var reader = new MessageReader(pipe.Reader, Limit, null);
        var writing = WriteInPieces(pipe.Writer, wire, pieceBytes, cancellationToken);
        foreach (var message in messages)
        {
            Assert.That(await reader.MoveNextAsync(cancellationToken), Is.True);
            Assert.That(reader.PayloadLength, Is.EqualTo(message.Length));
            Assert.That(reader.PayloadAsNewBuffer(), Is.EqualTo(message));
        }

        Assert.That(await reader.MoveNextAsync(cancellationToken), Is.False);
        await writing;
    }

    [Test]
    public async Task MoveNext_MessageBeyondThePipesThreshold_StillArrives(CancellationToken cancellationToken)
    {
        var message = Frames.Pattern(300_000);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 4096, resumeWriterThreshold: 2048));
        var reader = new MessageReader(pipe.Reader, null, null);
        var writing = WriteInPieces(pipe.Writer, Frames.Frame(message), 1024, cancellationToken);
        Assert.That(await reader.MoveNextAsync(cancellationToken), Is.True);
        Assert.That(reader.PayloadAsNewBuffer(), Is.EqualTo(message));
        reader.Release();
        await writing;
    }

    [Test]
    public async Task MoveNext_SizeOverTheLimit_IsRefusedBeforeThePayload(CancellationToken cancellationToken)
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(Frames.Prefix(Limit + 1), cancellationToken);
        await AssertFails(new MessageReader(pipe.Reader, Limit, null), StatusCode.ResourceExhausted);
    }

    [Test]
    public async Task MoveNext_NoLimit_RefusesWhatNoArrayHolds(CancellationToken cancellationToken)
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(Frames.Prefix(uint.MaxValue), cancellationToken);
        await AssertFails(new MessageReader(pipe.Reader, null, null), StatusCode.ResourceExhausted);
    }

    [TestCase(0)]
    [TestCase(3)]
    [TestCase(99)]
    public async Task MoveNext_BodyEndsWithinAMessage_IsInternal(int payloadBytes)
    {
        byte[] wire = [.. Frames.Prefix(100), .. Frames.Pattern(payloadBytes)];
        await AssertFails(Reader(wire), StatusCode.Internal);
    }

    [Test]
    public Task MoveNext_BodyEndsWithinThePrefix_IsInternal() => AssertFails(Reader([0, 0, 0]), StatusCode.Internal);

    [Test]
    public Task MoveNext_OddCompressedFlag_IsInternal() =>
        AssertFails(Reader(Frames.Frame([1], flag: 2)), StatusCode.Internal);

    [Test]
    public Task MoveNext_CompressedWithoutEncoding_IsInternal() =>
        AssertFails(Reader(Frames.Frame(Frames.Gzip([1]), flag: 1)), StatusCode.Internal);

    [Test]
    public async Task MoveNext_Gzip_GivesTheMessage(CancellationToken cancellationToken)
    {
        var message = Frames.Pattern(3000);
        var reader = Reader(Frames.Frame(Frames.Gzip(message), flag: 1), "gzip");
        Assert.That(await reader.MoveNextAsync(cancellationToken), Is.True);
        Assert.That(reader.PayloadAsReadOnlySequence().ToArray(), Is.EqualTo(message));
        Assert.That(reader.WasCompressed, Is.True);
    }

    [Test]
    public async Task MoveNext_PlainMessageInGzipCall_GivesTheMessage(CancellationToken cancellationToken)
    {
        var reader = Reader(Frames.Frame([1, 2]), "gzip");
        Assert.That(await reader.MoveNextAsync(cancellationToken), Is.True);
        Assert.That(reader.WasCompressed, Is.False);
    }

    [Test]
    public Task MoveNext_GzipBomb_IsRefused() =>
        AssertFails(Packed(Frames.Gzip(new byte[2_000_000])), StatusCode.ResourceExhausted);

    [Test]
    public Task MoveNext_NotGzip_IsInternal() =>
        AssertFails(Packed(Frames.Pattern(50)), StatusCode.Internal);

    [Test]
    public Task MoveNext_GzipCutShort_IsInternal() =>
        AssertFails(Packed(Frames.Gzip(Frames.Pattern(3000))[..^12]), StatusCode.Internal);

    [Test]
    public async Task MoveNext_CompressedWithoutBytes_IsAnEmptyMessage(CancellationToken cancellationToken)
    {
        var reader = Reader(Frames.Frame([], flag: 1), "gzip");
        Assert.That(await reader.MoveNextAsync(cancellationToken), Is.True);
        Assert.That(reader.PayloadLength, Is.Zero);
    }

    [Test]
    public async Task Payload_UntilTheNextMoveNext_IsThePipesOwnMemory(CancellationToken cancellationToken)
    {
        var pipe = new Pipe();
        pipe.Writer.Write(Frames.Frame([1, 2, 3]));
        pipe.Writer.Write(Frames.Frame([4]));
        await pipe.Writer.FlushAsync(cancellationToken);
        var reader = new MessageReader(pipe.Reader, Limit, null) { KeepsPayload = true };
        await reader.MoveNextAsync(cancellationToken);
        var kept = reader.PayloadAsReadOnlySequence();
        pipe.Writer.Write(Frames.Frame(Frames.Pattern(3000)));
        await pipe.Writer.FlushAsync(cancellationToken);
        Assert.That(kept.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(Sidecar.Grpc.PayloadLifetime.OutlivesDeserializer(reader), Is.True);
        Assert.That(await reader.MoveNextAsync(cancellationToken), Is.True);
        Assert.That(reader.PayloadAsNewBuffer(), Is.EqualTo(new byte[] { 4 }));
    }

    private static MessageReader Reader(byte[] wire, string? encoding = null) =>
        new(PipeReader.Create(new ReadOnlySequence<byte>(wire)), Limit, encoding);

    private static MessageReader Packed(byte[] payload) => Reader(Frames.Frame(payload, flag: 1), "gzip");

    private static async Task AssertFails(MessageReader reader, StatusCode code)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await reader.MoveNextAsync(CancellationToken.None));
        Assert.That(failure!.StatusCode, Is.EqualTo(code), failure.Message);
        await Task.CompletedTask;
    }

    private static async Task WriteInPieces(
        PipeWriter writer, byte[] wire, int bytes, CancellationToken cancellationToken)
    {
        foreach (var piece in wire.Chunk(bytes))
            await writer.WriteAsync(piece, cancellationToken);

        await writer.CompleteAsync();
    }
}
