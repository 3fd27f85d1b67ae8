using System.Diagnostics;
using Grpc.Core;
using Grpc.Testing;
using Grpc.Tests.Hosting;

namespace Grpc.Tests.Telemetry;

// Listeners hear all calls of the process: other tests at the same time would be heard too.
[NonParallelizable]
[CancelAfter(30_000)]
public sealed class CallTelemetryTests
{
    private const string Server = "rpc.server.call.duration";
    private const string Client = "rpc.client.call.duration";
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Caller = "b7ad6b7169203331";
    private const string Path = "/grpc.testing.TestService/UnaryCall";

    private static readonly byte[] EmptyMessage = new byte[5];

    [TestCase(StatusCode.OK, "OK", null, null)]
    [TestCase(StatusCode.NotFound, "NOT_FOUND", null, "NOT_FOUND")]
    [TestCase(StatusCode.Unavailable, "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE")]
    [TestCase(StatusCode.DataLoss, "DATA_LOSS", "DATA_LOSS", "DATA_LOSS")]
    public async Task Call_OfAnyOutcome_IsMeasuredOnBothSides(
        StatusCode outcome, string status, string? serverError, string? clientError,
            CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(outcome);
        using var measured = new MeasuredCalls();

        await CallAsync(server, outcome, new Metadata(), cancellationToken);

        var sides = await measured.MeasurementsAsync(2, cancellationToken);
        foreach (var (instrument, error) in ((string, string?)[])[(Client, clientError), (Server, serverError)])
        {
            var call = sides.Single(side => side.Instrument == instrument);
            Assert.That(
                (call["rpc.system.name"], call["rpc.method"], call["rpc.response.status_code"], call["error.type"]),
                Is.EqualTo(("grpc", "grpc.testing.TestService/UnaryCall", status, error)), instrument);
            Assert.That(call.Value, Is.InRange(0, 30), instrument);
        }
    }

    [Test]
    public async Task Server_WithATraceparent_ContinuesThatTrace(CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(StatusCode.OK);
        using var measured = new MeasuredCalls(withSpans: true);
        await RawCall.SendAsync(
            server, Path, EmptyMessage,
                cancellationToken, ("traceparent", $"00-{Trace}-{Caller}-01"), ("tracestate", "vendor=1"));

        var span = (await measured.SpansAsync(1, cancellationToken)).Single();
        Assert.That((span.TraceId.ToHexString(), span.ParentSpanId.ToHexString()), Is.EqualTo((Trace, Caller)));
        Assert.That(span.TraceStateString, Is.EqualTo("vendor=1"));
        Assert.That(span.DisplayName, Is.EqualTo("grpc.testing.TestService/UnaryCall"));
        Assert.That(span.GetTagItem("rpc.response.status_code"), Is.EqualTo("OK"));
    }

    [Test]
    public async Task Server_WithABrokenTraceparent_BeginsATrace(CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(StatusCode.OK);
        using var measured = new MeasuredCalls(withSpans: true);

        await RawCall.SendAsync(server, Path, EmptyMessage, cancellationToken, ("traceparent", "00-zz-1-01"));

        var span = (await measured.SpansAsync(1, cancellationToken)).Single();
        Assert.That(span.ParentSpanId, Is.EqualTo(default(ActivitySpanId)));
        Assert.That(span.TraceId, Is.Not.EqualTo(default(ActivityTraceId)));
    }

    [Test]
    public async Task Client_TellsTheServerOfItsSpan_AndGivesTheCallerItsOwnBack(CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(StatusCode.OK);
        using var measured = new MeasuredCalls(withSpans: true);
        using var own = new Activity("caller").Start();

        var call = CallAsync(server, StatusCode.OK, new Metadata(), cancellationToken);
        Assert.That(Activity.Current, Is.SameAs(own));
        await call;

        var (sent, served) = await SidesAsync(measured, cancellationToken);
        Assert.That((sent.TraceId, sent.ParentSpanId), Is.EqualTo((own.TraceId, own.SpanId)));
        Assert.That((served.TraceId, served.ParentSpanId), Is.EqualTo((own.TraceId, sent.SpanId)));
    }

    [Test]
    public async Task Client_ThatPassesACallersTraceOn_PutsItsSpanBetween(CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(StatusCode.OK);
        using var measured = new MeasuredCalls(withSpans: true);
        var passedOn = new Metadata { { "traceparent", $"00-{Trace}-{Caller}-01" }, { "tracestate", "vendor=1" } };

        await CallAsync(server, StatusCode.OK, passedOn, cancellationToken);

        var (sent, served) = await SidesAsync(measured, cancellationToken);
        Assert.That((served.TraceId, served.ParentSpanId), Is.EqualTo((sent.TraceId, sent.SpanId)));
        Assert.That(served.TraceStateString, Is.Null.Or.Empty);
    }

    [Test]
    public async Task Client_ThatRecordsNothing_PassesACallersTraceOnAsItIs(CancellationToken cancellationToken)
    {
        var seen = new TaskCompletionSource<string?>();
        await using var server = await TestServer.StartAsync(new ScriptedService
        {
            Unary = (_, context) =>
            {
                seen.SetResult(context.RequestHeaders.GetValue("traceparent"));
                return Task.FromResult(new SimpleResponse());
            },
        });

        await CallAsync(
            server, StatusCode.OK, new Metadata { { "traceparent", $"00-{Trace}-{Caller}-01" } }, cancellationToken);

        Assert.That(await seen.Task, Is.EqualTo($"00-{Trace}-{Caller}-01"));
    }

    [Test]
    public async Task Span_OfAFailure_SaysSo(CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(StatusCode.DataLoss);
        using var measured = new MeasuredCalls(withSpans: true);

        await CallAsync(server, StatusCode.DataLoss, new Metadata(), cancellationToken);

        var (_, span) = await SidesAsync(measured, cancellationToken);
        Assert.That((span.Status, span.StatusDescription), Is.EqualTo((ActivityStatusCode.Error, "as told")));
        Assert.That(span.GetTagItem("error.type"), Is.EqualTo("DATA_LOSS"));
    }

    private static async Task<(Activity Sent, Activity Served)> SidesAsync(
        MeasuredCalls measured, CancellationToken cancellationToken)
    {
        var spans = await measured.SpansAsync(2, cancellationToken);
        return (
            spans.Single(span => span.Kind == ActivityKind.Client),
                spans.Single(span => span.Kind == ActivityKind.Server));
    }

    private static Task<TestServer> StartAsync(StatusCode outcome) => TestServer.StartAsync(new ScriptedService
    {
        Unary = (_, _) => outcome == StatusCode.OK
            ? Task.FromResult(new SimpleResponse())
            : throw new RpcException(new Status(outcome, "as told")),
    });

    private static async Task CallAsync(
        TestServer server, StatusCode outcome, Metadata metadata, CancellationToken cancellationToken)
    {
        using var channel = server.Channel();
        using var call = new TestService.TestServiceClient(channel).UnaryCallAsync(
            new SimpleRequest(), metadata, cancellationToken: cancellationToken);
        if (outcome == StatusCode.OK) await call;
        else await Expect.FailureAsync(outcome, async () => await call);
    }
}
