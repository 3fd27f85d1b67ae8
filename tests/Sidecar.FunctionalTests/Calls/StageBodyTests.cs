using System.IO.Pipelines;
using Glance.Sidecar.V1;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>The body of a Stage call, which the daemon takes apart itself.</summary>
internal sealed class StageBodyTests : SidecarTest
{
    private const string Stage = "/glance.sidecar.v1.Staging/Stage";
    private const int LimitBytes = 64 << 10; // the least that Rpc:MaxMessageBytes may be

    private static readonly byte[] Data = Content(20_000);

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(4099)]
    public async Task Frames_SplitAnywhere_ArriveWhole(int pieceBytes)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var raw = new RawCalls(sidecar.Socket);
        var id = NewId();
        var body = Body(id, message => Frames.Of(message));
        var pipe = new Pipe();

        var call = raw.SendAsync(Stage, pipe.Reader, Deadline);
        for (var at = 0; at < body.Length; at += pieceBytes)
        {
            await pipe.Writer.WriteAsync(body.AsMemory(at, Math.Min(pieceBytes, body.Length - at)), Deadline);
        }

        await pipe.Writer.CompleteAsync();
        Assert.That((await call).Status, Is.EqualTo("0"));
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(Data));
    }

    [TestCase("gzip")]
    [TestCase("deflate")]
    public async Task Frames_ThatAreCompressed_ArriveWhole(string encoding)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var raw = new RawCalls(sidecar.Socket);
        var id = NewId();
        Func<byte[], byte[]> pack = encoding == "gzip" ? Frames.Gzip : Frames.Deflate;

        var answer = await raw.SendAsync(
            Stage, Body(id, message => Frames.Of(pack(message.ToByteArray()), flag: 1)), Deadline, ("grpc-encoding", encoding));

        Assert.That(answer.Status, Is.EqualTo("0"), answer.Message);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(Data));
    }

    [Test]
    public async Task Frames_OfACallWithAnEncoding_MayBeUncompressed()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var raw = new RawCalls(sidecar.Socket);
        var id = NewId();

        var answer = await raw.SendAsync(Stage, Body(id, message => Frames.Of(message)), Deadline, ("grpc-encoding", "gzip"));

        Assert.That(answer.Status, Is.EqualTo("0"), answer.Message);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(Data));
    }

    private static readonly TestCaseData[] Broken =
    [
        new TestCaseData((byte[])[.. Frames.Prefix(100), 1, 2, 3], "13", "ends within a message").SetArgDisplayNames("cut"),
        new TestCaseData((byte[])[0, 0], "13", "ends within a message").SetArgDisplayNames("cut in the prefix"),
        new TestCaseData(Frames.Of(new byte[10], flag: 1), "13", "without grpc-encoding").SetArgDisplayNames("flag"),
        new TestCaseData(Frames.Of(new byte[10], flag: 7), "13", "7 is not a compressed flag").SetArgDisplayNames("no flag"),
        new TestCaseData(Frames.Of([0xff, 0xff, 0xff]), "13", "not a glance.sidecar.v1.StageRequest").SetArgDisplayNames("bytes"),
        new TestCaseData(Frames.Prefix(LimitBytes + 1), "8", "65537 bytes, more than the limit of 65536 (Rpc:MaxMessageBytes)")
            .SetArgDisplayNames("limit"),
    ];

    [TestCaseSource(nameof(Broken))]
    public async Task Frame_ThatIsBroken_EndsTheCall_AndTheUploadStays(byte[] frame, string status, string said)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, "--Rpc:MaxMessageBytes", $"{LimitBytes}");
        using var raw = new RawCalls(sidecar.Socket);
        var id = NewId();

        var answer = await raw.SendAsync(Stage, [.. Header(id), .. Chunk(), .. frame], Deadline);

        Assert.That((answer.Status, answer.Message), Is.EqualTo((status, answer.Message)));
        Assert.That(answer.Message, Does.Contain(said));
        var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        Assert.That(upload.ReceivedOffset, Is.EqualTo((ulong)Data.Length));
    }

    [Test]
    public async Task Frame_OverTheLimit_IsRefused_WithoutWaitingForItsBytes()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var raw = new RawCalls(sidecar.Socket);
        var pipe = new Pipe();

        var call = raw.SendAsync(Stage, pipe.Reader, Deadline);
        await pipe.Writer.WriteAsync((byte[])[.. Header(NewId()), .. Frames.Prefix(5 << 20)], Deadline);

        Assert.That((await call).Status, Is.EqualTo("8"), "while the body is still open");
        await pipe.Writer.CompleteAsync();
    }

    [Test]
    public async Task Client_ThatIsGoneInMidFrame_IsNoError_AndTheUploadStays()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var raw = new RawCalls(sidecar.Socket);
        var id = NewId();
        var pipe = new Pipe();
        using var hangUp = CancellationTokenSource.CreateLinkedTokenSource(Deadline);

        var call = raw.SendAsync(Stage, pipe.Reader, hangUp.Token);
        await pipe.Writer.WriteAsync((byte[])[.. Header(id), .. Chunk(), .. Chunk().AsSpan(0, 1000)], Deadline);
        await ReceivedAsync(sidecar, id, (ulong)Data.Length);
        await hangUp.CancelAsync();

        await Assert.ThatAsync(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        await UntilIdleAsync(sidecar, id);
        var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        Assert.That(upload.ReceivedOffset, Is.EqualTo((ulong)Data.Length), "what of the second frame arrived does not count");
    }

    [Test]
    public async Task Deadline_InMidUpload_EndsTheCall_AndTheUploadStays()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var raw = new RawCalls(sidecar.Socket);
        var id = NewId();
        var pipe = new Pipe();

        // A client that does not watch the time itself, or it would hang up first.
        var call = raw.SendAsync(Stage, pipe.Reader, Deadline, ("grpc-timeout", "1S"));
        await pipe.Writer.WriteAsync((byte[])[.. Header(id), .. Chunk()], Deadline);

        // The status is followed by a reset, which HttpClient may notice first.
        Assert.That(await StatusOrResetAsync(call), Is.EqualTo("4").Or.EqualTo("reset"));
        await pipe.Writer.CompleteAsync();
        await UntilIdleAsync(sidecar, id);
        var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        Assert.That(upload.ReceivedOffset, Is.EqualTo((ulong)Data.Length));
        await sidecar.LoggedAsync("Stage was refused with DeadlineExceeded", Deadline);
    }

    private static async Task<string?> StatusOrResetAsync(Task<RawAnswer> call)
    {
        try
        {
            return (await call).Status;
        }
        catch (HttpRequestException)
        {
            return "reset";
        }
    }

    private static async Task UntilIdleAsync(SidecarInstance sidecar, string id)
    {
        while ((await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id })).State
            == Upload.Types.State.Receiving)
        {
            await Cluster.BetweenLooks();
        }
    }

    private static byte[] Body(string id, Func<IMessage, byte[]> frame) =>
    [
        .. frame(new StageRequest { Header = new StageHeader { ImageId = id } }),
        .. frame(new StageRequest { Chunk = new StageChunk { Data = ByteString.CopyFrom(Data) } }),
        .. frame(new StageRequest { Finish = new StageFinish { TotalSize = (ulong)Data.Length } }),
    ];

    private static byte[] Header(string id) => Frames.Of(new StageRequest { Header = new StageHeader { ImageId = id } });

    private static byte[] Chunk() => Frames.Of(new StageRequest { Chunk = new StageChunk { Data = ByteString.CopyFrom(Data) } });
}
