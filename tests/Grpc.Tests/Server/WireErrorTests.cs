using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Grpc.Testing;
using Grpc.Tests.Hosting;
using Grpc.Tests.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Grpc.Tests.Server;

/// <summary>What the server says to requests that no gRPC library would send.</summary>
[CancelAfter(30_000)]
public sealed class WireErrorTests
{
    private const string Unary = "/grpc.testing.TestService/UnaryCall";
    private const string Upload = "/grpc.testing.TestService/StreamingInputCall";
    private static readonly byte[] Empty = Frames.Frame([]);

    [TestCase("text/plain")]
    [TestCase("application/grpc-web")]
    [TestCase("application/grpcx")]
    public async Task Post_OtherContentType_Gets415(string contentType, CancellationToken cancellationToken)
    {
        await using var server = await StartAsync();
        using var body = new ByteArrayContent(Empty);
        body.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        using var response = await SendAsync(server, HttpMethod.Post, body, HttpVersion.Version20, cancellationToken);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
    }

    [TestCase("application/grpc")]
    [TestCase("application/grpc+proto")]
    [TestCase("application/grpc; charset=utf-8")]
    public async Task Post_GrpcContentType_IsServed(string contentType, CancellationToken cancellationToken)
    {
        await using var server = await StartAsync();
        using var body = new ByteArrayContent(Empty);
        body.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        using var response = await SendAsync(server, HttpMethod.Post, body, HttpVersion.Version20, cancellationToken);
        await response.Content.ReadAsByteArrayAsync(cancellationToken);
        Assert.That(response.TrailingHeaders.GetValues("grpc-status"), Is.EqualTo(new[] { "0" }));
    }

    [Test]
    public async Task Get_OnAMethod_Gets405(CancellationToken cancellationToken)
    {
        await using var server = await StartAsync();
        using var response = await SendAsync(server, HttpMethod.Get, null, HttpVersion.Version20, cancellationToken);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
        Assert.That(response.Content.Headers.Allow, Is.EqualTo(new[] { "POST" }));
    }

    [Test]
    public async Task Post_OverHttp11_Gets426(CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(
            app => app.MapGrpcService<ScriptedService>(), protocols: HttpProtocols.Http1);
        using var body = new ByteArrayContent(Empty);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        using var response = await SendAsync(server, HttpMethod.Post, body, HttpVersion.Version11, cancellationToken);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.UpgradeRequired));
    }

    [TestCase("/grpc.testing.TestService/Nothing", "method")]
    [TestCase("/no.such.Service/Call", "service")]
    public async Task Call_OfSomethingUnknown_IsUnimplemented(
        string path, string what, CancellationToken cancellationToken)
    {
        await using var server = await StartAsync();
        var answer = await RawCall.SendAsync(server, path, Empty, cancellationToken);
        Assert.That(answer.GrpcStatus, Is.EqualTo("12"));
        Assert.That(answer.IsTrailersOnly, Is.True);
        Assert.That(answer["grpc-message"], Does.Contain(what));
        Assert.That(answer["content-type"], Is.EqualTo("application/grpc"));
    }

    [Test]
    public async Task Call_UnknownEncoding_IsUnimplementedAndTellsTheKnownOnes(CancellationToken cancellationToken)
    {
        await using var server = await StartAsync();
        var answer = await RawCall.SendAsync(server, Unary, Empty, cancellationToken, ("grpc-encoding", "snappy"));
        Assert.That(answer.GrpcStatus, Is.EqualTo("12"));
        Assert.That(answer["grpc-accept-encoding"], Is.EqualTo("identity,gzip"));
    }

    [Test]
    public async Task Call_CompressedFlagWithoutEncoding_IsInternal(CancellationToken cancellationToken) =>
        await AssertStatus("13", Frames.Frame(Frames.Gzip([]), flag: 1), cancellationToken);

    [Test]
    public async Task Call_NotProtobuf_IsInternal(CancellationToken cancellationToken) =>
        await AssertStatus("13", Frames.Frame([0xff, 0xff, 0xff]), cancellationToken);

    [Test]
    public async Task Call_MessageCutShort_IsInternal(CancellationToken cancellationToken) =>
        await AssertStatus("13", [.. Frames.Prefix(100), 1, 2, 3], cancellationToken);

    [Test]
    public async Task Unary_NoRequest_IsUnimplemented(CancellationToken cancellationToken) =>
        await AssertStatus("12", [], cancellationToken);

    [Test]
    public async Task Unary_TwoRequests_IsUnimplemented(CancellationToken cancellationToken) =>
        await AssertStatus("12", [.. Empty, .. Empty], cancellationToken);

    [TestCase("5s")]
    [TestCase("")]
    public async Task Call_MalformedTimeout_IsInternal(string timeout, CancellationToken cancellationToken) =>
        await AssertStatus("13", Empty, cancellationToken, ("grpc-timeout", timeout));

    [Test]
    public async Task Call_GzipBomb_IsRefused(CancellationToken cancellationToken) => await AssertStatus(
        "8", Frames.Frame(Frames.Gzip(new byte[20_000_000]), flag: 1), cancellationToken, ("grpc-encoding", "gzip"));

    [Test]
    public async Task Call_Gzip_IsRead(CancellationToken cancellationToken)
    {
        var request = new SimpleRequest { ResponseSize = 7 };
        var service = new ScriptedService
        {
            Unary = (got, _) => Task.FromResult(new SimpleResponse { Username = $"{got.ResponseSize}" }),
        };
        await using var server = await TestServer.StartAsync(service);
        var answer = await RawCall.SendAsync(
            server, Unary, Frames.Frame(Frames.Gzip(request.ToByteArray()), flag: 1), cancellationToken,
            ("grpc-encoding", "gzip"));
        Assert.That(SimpleResponse.Parser.ParseFrom(answer.Body.AsSpan(5)).Username, Is.EqualTo("7"));
    }

    [Test]
    public async Task Upload_AnnouncesTooMuch_IsRefusedWithoutWaitingForIt(CancellationToken cancellationToken)
    {
        var service = new ScriptedService { Upload = CountAsync };
        await using var server = await TestServer.StartAsync(service);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var body = new EndlessContent(Frames.Prefix(5 * 1024 * 1024), ended.Token);
        var answer = await RawCall.SendAsync(server, Upload, body, cancellationToken);
        await ended.CancelAsync();
        Assert.That(answer.GrpcStatus, Is.EqualTo("8"));
    }

    private static async Task<StreamingInputCallResponse> CountAsync(
        Core.IAsyncStreamReader<StreamingInputCallRequest> requests, Core.ServerCallContext context)
    {
        var count = 0;
        while (await requests.MoveNext(context.CancellationToken))
            count++;

        return new StreamingInputCallResponse { AggregatedPayloadSize = count };
    }

    private static Task<TestServer> StartAsync() => TestServer.StartAsync(new ScriptedService());

    private static async Task AssertStatus(
        string status, byte[] body, CancellationToken cancellationToken, params (string, string)[] headers)
    {
        await using var server = await StartAsync();
        var answer = await RawCall.SendAsync(server, Unary, body, cancellationToken, headers);
        Assert.That(answer.HttpStatus, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer.GrpcStatus, Is.EqualTo(status), answer["grpc-message"]);
    }

    private static async Task<HttpResponseMessage> SendAsync(
        TestServer server, HttpMethod method, HttpContent? body, Version version, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, server.Address + Unary)
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        };
        return await http.SendAsync(request, cancellationToken);
    }
}
