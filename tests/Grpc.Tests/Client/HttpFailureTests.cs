using Grpc.Core;
using Grpc.Testing;
using Grpc.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Grpc.Tests.Client;

/// <summary>What our client makes of servers that do not answer as gRPC should.</summary>
[CancelAfter(30_000)]
public sealed class HttpFailureTests
{
    [TestCase(400, StatusCode.Internal)]
    [TestCase(401, StatusCode.Unauthenticated)]
    [TestCase(403, StatusCode.PermissionDenied)]
    [TestCase(404, StatusCode.Unimplemented)]
    [TestCase(429, StatusCode.Unavailable)]
    [TestCase(500, StatusCode.Unknown)]
    [TestCase(502, StatusCode.Unavailable)]
    [TestCase(503, StatusCode.Unavailable)]
    [TestCase(504, StatusCode.Unavailable)]
    [TestCase(200, StatusCode.Unknown)]
    public Task HttpStatus_WithoutGrpcStatus_IsMapped(
        int status, StatusCode code, CancellationToken cancellationToken) =>
        AssertFailure(code, http =>
        {
            http.Response.StatusCode = status;
            return http.Response.WriteAsync("a proxy's page", cancellationToken);
        }, cancellationToken);

    [TestCase(0x1, StatusCode.Internal)]
    [TestCase(0x2, StatusCode.Internal)]
    [TestCase(0x8, StatusCode.Cancelled)]
    [TestCase(0xb, StatusCode.ResourceExhausted)]
    [TestCase(0xc, StatusCode.PermissionDenied)]
    public Task Reset_WithAnErrorCode_IsMapped(int error, StatusCode code, CancellationToken cancellationToken) =>
        AssertFailure(code, http =>
        {
            http.Features.GetRequiredFeature<IHttpResetFeature>().Reset(error);
            return Task.CompletedTask;
        }, cancellationToken);

    [Test]
    public Task Reset_AfterTheHeaders_IsMapped(CancellationToken cancellationToken) =>
        AssertFailure(StatusCode.ResourceExhausted, async http =>
        {
            http.Response.ContentType = "application/grpc";
            await http.Response.StartAsync(cancellationToken);
            await http.Response.Body.FlushAsync(cancellationToken);
            http.Features.GetRequiredFeature<IHttpResetFeature>().Reset(0xb);
        }, cancellationToken);

    [Test]
    public Task Trailers_WithoutAStatus_AreUnknown(CancellationToken cancellationToken) =>
        AssertFailure(StatusCode.Unknown, http =>
        {
            http.Response.ContentType = "application/grpc";
            return http.Response.Body.WriteAsync(new byte[5], cancellationToken).AsTask();
        }, cancellationToken);

    [Test]
    public Task Response_OkWithoutAMessage_IsUnimplemented(CancellationToken cancellationToken) =>
        AssertFailure(StatusCode.Unimplemented, http => AnswerAsync(http, [], "0"), cancellationToken);

    [Test]
    public Task Response_TwoMessages_IsUnimplemented(CancellationToken cancellationToken) =>
        AssertFailure(StatusCode.Unimplemented, http => AnswerAsync(http, new byte[10], "0"), cancellationToken);

    [Test]
    public Task Response_CutShort_IsInternal(CancellationToken cancellationToken) =>
        AssertFailure(StatusCode.Internal, http => AnswerAsync(http, new byte[3], "0"), cancellationToken);

    [Test]
    public Task Response_UnheardOfStatus_IsUnknown(CancellationToken cancellationToken) =>
        AssertFailure(StatusCode.Unknown, http => AnswerAsync(http, new byte[5], "77"), cancellationToken);

    private static async Task AnswerAsync(HttpContext http, byte[] body, string status)
    {
        http.Response.ContentType = "application/grpc";
        await http.Response.Body.WriteAsync(body);
        http.Response.AppendTrailer("grpc-status", status);
    }

    private static async Task AssertFailure(
        StatusCode code, RequestDelegate answer, CancellationToken cancellationToken)
    {
        await using var server = await TestServer.StartAsync(app => app.Run(answer));
        using var channel = server.Channel();
        var call = new TestService.TestServiceClient(channel).UnaryCallAsync(
            new SimpleRequest(), cancellationToken: cancellationToken);
        await Expect.FailureAsync(code, () => call.ResponseAsync);
        Assert.That(call.GetStatus().StatusCode, Is.EqualTo(code));
    }
}
