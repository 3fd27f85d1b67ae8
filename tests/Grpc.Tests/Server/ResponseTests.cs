using Google.Protobuf;
using Grpc.Core;
using Grpc.Testing;
using Grpc.Tests.Hosting;
using Grpc.Tests.Wire;

namespace Grpc.Tests.Server;

/// <summary>What the server's answers look like on the wire.</summary>
[CancelAfter(30_000)]
public sealed class ResponseTests
{
    private const string Unary = "/grpc.testing.TestService/UnaryCall";
    private const string Download = "/grpc.testing.TestService/StreamingOutputCall";
    private static readonly byte[] Empty = Frames.Frame([]);
    private static readonly SimpleResponse Large = new() { Username = new string('x', 10_000) };

    [Test]
    public async Task Unary_ClientAcceptsGzip_IsCompressed(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(
            new ScriptedService { Unary = (_, _) => Task.FromResult(Large) },
            options => options.ResponseCompressionAlgorithm = "gzip");
        var answer = await RawCall.SendAsync(
            server, Unary, Empty, cancellationToken, ("grpc-accept-encoding", "identity, gzip"));
        Assert.That(answer["grpc-encoding"], Is.EqualTo("gzip"));
        Assert.That(answer.Body[0], Is.EqualTo(1));
        Assert.That(Frames.Gunzip(answer.Body[5..]), Is.EqualTo(Large.ToByteArray()));
    }

    [Test]
    public async Task Unary_ClientDoesNotAcceptGzip_IsPlain(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(
            new ScriptedService { Unary = (_, _) => Task.FromResult(Large) },
            options => options.ResponseCompressionAlgorithm = "gzip");
        var answer = await RawCall.SendAsync(
            server, Unary, Empty, cancellationToken, ("grpc-accept-encoding", "deflate"));
        Assert.That(answer["grpc-encoding"], Is.Null);
        Assert.That(answer.Body, Is.EqualTo(Frames.Frame(Large.ToByteArray())));
    }

    [Test]
    public async Task Stream_NoCompressOnOneMessage_LeavesThatOnePlain(CancellationToken cancellationToken)
    {
        var message = new StreamingOutputCallResponse { Payload = new Payload { Body = ByteString.CopyFrom(1, 2) } };
        await using var server = await TestServer.StartAsync(new ScriptedService { Download = DownloadAsync });
        var answer = await RawCall.SendAsync(
            server, Download, Empty, cancellationToken, ("grpc-accept-encoding", "gzip"));
        var plain = Frames.Frame(message.ToByteArray());
        Assert.That(answer.Body[0], Is.EqualTo(1));
        Assert.That(answer.Body[^plain.Length..], Is.EqualTo(plain));

        async Task DownloadAsync(IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context)
        {
            await context.WriteResponseHeadersAsync([new("grpc-internal-encoding-request", "gzip")]);
            await responses.WriteAsync(message, cancellationToken);
            responses.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
            await responses.WriteAsync(message, cancellationToken);
        }
    }

    [Test]
    public async Task Failure_WithDetails_HasThemInTheTrailers(CancellationToken cancellationToken)
    {
        var details = new byte[] { 8, 5, 18, 1 };
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = (_, context) =>
            {
                context.ResponseTrailers.Add("x-own", "a");
                throw new RpcException(
                    new Status(StatusCode.NotFound, "no such thing: \u263a"),
                    [new("grpc-status-details-bin", details)]);
            },
        });
        var answer = await RawCall.SendAsync(server, Unary, Empty, cancellationToken);
        Assert.That(answer.GrpcStatus, Is.EqualTo("5"));
        Assert.That(answer.IsTrailersOnly, Is.True);
        Assert.That(answer["grpc-message"], Is.EqualTo("no such thing: %E2%98%BA"));
        Assert.That(answer["grpc-status-details-bin"], Is.EqualTo("CAUSAQ"));
        Assert.That(answer["x-own"], Is.EqualTo("a"));
    }

    [Test]
    public async Task Failure_AfterAMessage_HasItsStatusInTheTrailers(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Download = async (responses, _) =>
            {
                await responses.WriteAsync(new StreamingOutputCallResponse());
                throw new RpcException(new Status(StatusCode.DataLoss, ""));
            },
        });
        var answer = await RawCall.SendAsync(server, Download, Empty, cancellationToken);
        Assert.That(answer.GrpcStatus, Is.EqualTo("15"));
        Assert.That(answer.IsTrailersOnly, Is.False);
        Assert.That(answer.Body, Is.EqualTo(Empty));
    }

    [Test]
    public async Task Deadline_HandlerIgnoresIt_ClientIsToldAtOnce(CancellationToken cancellationToken)
    {
        var release = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource<DateTime>();
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = async (_, context) =>
            {
                using var registration = context.CancellationToken.Register(
                    () => cancelled.TrySetResult(context.Deadline));
                await release.Task;
                return new SimpleResponse();
            },
        });
        var answer = await RawCall.SendAsync(server, Unary, Empty, cancellationToken, ("grpc-timeout", "30m"));
        Assert.That(answer.GrpcStatus, Is.EqualTo("4"));
        Assert.That(await cancelled.Task.WaitAsync(cancellationToken), Is.EqualTo(DateTime.UtcNow).Within(1).Minutes);
        release.SetResult();
    }

    [Test]
    public async Task RequestHeaders_Metadata_ReachTheHandler(CancellationToken cancellationToken)
    {
        Metadata? seen = null;
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = (_, context) =>
            {
                seen = context.RequestHeaders;
                return Task.FromResult(new SimpleResponse());
            },
        });
        await RawCall.SendAsync(
            server, Unary, Empty, cancellationToken, ("x-text", "hello"), ("x-data-bin", "AQ==,Ag"));
        Assert.That(seen!.GetValue("x-text"), Is.EqualTo("hello"));
        Assert.That(seen.GetAll("x-data-bin").Select(entry => entry.ValueBytes[0]), Is.EqualTo(new byte[] { 1, 2 }));
        Assert.That(seen.Get("te"), Is.Null);
    }

    [Test]
    public async Task RequestHeaders_BadBase64_IsInternal(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = (_, context) => Task.FromResult(
                new SimpleResponse { Username = $"{context.RequestHeaders.Count}" }),
        });
        var answer = await RawCall.SendAsync(server, Unary, Empty, cancellationToken, ("x-data-bin", "*"));
        Assert.That(answer.GrpcStatus, Is.EqualTo("13"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task HandlerThrows_DetailsOnlyWhenAllowed(
        bool detailed, CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(
            new ScriptedService { Unary = (_, _) => throw new InvalidOperationException("secret") },
            options => options.EnableDetailedErrors = detailed);
        var answer = await RawCall.SendAsync(server, Unary, Empty, cancellationToken);
        Assert.That(answer.GrpcStatus, Is.EqualTo("2"));
        Assert.That(answer["grpc-message"], detailed ? Does.Contain("secret") : Does.Not.Contain("secret"));
        Assert.That(server.Errors.Taken(), Has.Length.EqualTo(1).And.One.Contains("1903"));
    }

    [Test]
    public async Task Trailers_NotAscii_AreRefusedAsInternal(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = (_, context) =>
            {
                context.ResponseTrailers.Add("x-odd", "\u263a");
                return Task.FromResult(new SimpleResponse());
            },
        });
        var answer = await RawCall.SendAsync(server, Unary, Empty, cancellationToken);
        Assert.That(answer.GrpcStatus, Is.EqualTo("13"));
        Assert.That(server.Errors.Taken(), Has.Length.EqualTo(1));
    }
}
