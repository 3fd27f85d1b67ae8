using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Peers.Calls;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>What the interceptors of both sides measure, and how spans hang together.</summary>
// Listeners hear all calls of the process: other tests at the same time would be heard too.
[NonParallelizable]
internal sealed class CallTelemetryTests : SidecarTest
{
    private const string Server = "rpc.server.call.duration";
    private const string Client = "rpc.client.call.duration";
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Caller = "b7ad6b7169203331";
    private const string Method = "glance.sidecar.v1.Staging/GetCapacity";

    [TestCase(StatusCode.OK, "OK", null, null)]
    [TestCase(StatusCode.NotFound, "NOT_FOUND", null, "NOT_FOUND")]
    [TestCase(StatusCode.Unavailable, "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE")]
    [TestCase(StatusCode.DataLoss, "DATA_LOSS", "DATA_LOSS", "DATA_LOSS")]
    public async Task Call_OfAnyOutcome_IsMeasuredOnBothSides(
        StatusCode outcome, string status, string? serverError, string? clientError)
    {
        using var directory = TestDirectory.Create();
        await using var server = await StartAsync(directory, outcome);
        using var measured = new MeasuredCalls();

        await CallAsync(server, outcome, []);

        var sides = await measured.MeasurementsAsync(2, Deadline);
        foreach (var (instrument, error) in ((string, string?)[])[(Client, clientError), (Server, serverError)])
        {
            var call = sides.Single(side => side.Instrument == instrument);
            Assert.That(
                (call["rpc.system.name"], call["rpc.method"], call["rpc.response.status_code"], call["error.type"]),
                Is.EqualTo(("grpc", Method, status, error)), instrument);
            Assert.That(call.Value, Is.InRange(0, 30), instrument);
        }
    }

    [Test]
    public async Task Server_WithATraceparent_ContinuesThatTrace()
    {
        using var directory = TestDirectory.Create();
        await using var server = await StartAsync(directory, StatusCode.OK);
        using var measured = new MeasuredCalls(withSpans: true);
        using var raw = new RawCalls(server.Socket);
        await raw.SendAsync(
            "/" + Method, Frames.Of([]), Deadline, ("traceparent", $"00-{Trace}-{Caller}-01"), ("tracestate", "vendor=1"));

        var span = (await measured.SpansAsync(1, Deadline)).Single();
        Assert.That((span.TraceId.ToHexString(), span.ParentSpanId.ToHexString()), Is.EqualTo((Trace, Caller)));
        Assert.That(span.TraceStateString, Is.EqualTo("vendor=1"));
        Assert.That(span.DisplayName, Is.EqualTo(Method));
        Assert.That(span.GetTagItem("rpc.response.status_code"), Is.EqualTo("OK"));
    }

    [Test]
    public async Task Server_WithABrokenTraceparent_BeginsATrace()
    {
        using var directory = TestDirectory.Create();
        await using var server = await StartAsync(directory, StatusCode.OK);
        using var measured = new MeasuredCalls(withSpans: true);

        using var raw = new RawCalls(server.Socket);
        await raw.SendAsync("/" + Method, Frames.Of([]), Deadline, ("traceparent", "00-zz-1-01"));

        var span = (await measured.SpansAsync(1, Deadline)).Single();
        Assert.That(span.ParentSpanId, Is.EqualTo(default(ActivitySpanId)));
        Assert.That(span.TraceId, Is.Not.EqualTo(default(ActivityTraceId)));
    }

    [Test]
    public async Task Client_TellsTheServerOfItsSpan_AndGivesTheCallerItsOwnBack()
    {
        using var directory = TestDirectory.Create();
        await using var server = await StartAsync(directory, StatusCode.OK);
        using var measured = new MeasuredCalls(withSpans: true);
        using var own = new Activity("caller").Start();

        var call = CallAsync(server, StatusCode.OK, []);
        Assert.That(Activity.Current, Is.SameAs(own));
        await call;

        var (sent, served) = await SidesAsync(measured);
        Assert.That((sent.TraceId, sent.ParentSpanId), Is.EqualTo((own.TraceId, own.SpanId)));
        Assert.That((served.TraceId, served.ParentSpanId), Is.EqualTo((own.TraceId, sent.SpanId)));
    }

    [Test]
    public async Task Client_ThatPassesACallersTraceOn_PutsItsSpanBetween()
    {
        using var directory = TestDirectory.Create();
        await using var server = await StartAsync(directory, StatusCode.OK);
        using var measured = new MeasuredCalls(withSpans: true);
        var passedOn = new Metadata { { "traceparent", $"00-{Trace}-{Caller}-01" }, { "tracestate", "vendor=1" } };

        await CallAsync(server, StatusCode.OK, passedOn);

        var (sent, served) = await SidesAsync(measured);
        Assert.That((served.TraceId, served.ParentSpanId), Is.EqualTo((sent.TraceId, sent.SpanId)));
        Assert.That(served.TraceStateString, Is.Null.Or.Empty);
    }

    [Test]
    public async Task Client_ThatRecordsNothing_PassesACallersTraceOnAsItIs()
    {
        var seen = new TaskCompletionSource<string?>();
        using var directory = TestDirectory.Create();
        await using var server = await ScriptedServer.StartAsync(directory["s"], context =>
        {
            seen.SetResult(context.RequestHeaders.GetValue("traceparent"));
            return Task.FromResult(new Capacity());
        });

        await CallAsync(server, StatusCode.OK, new Metadata { { "traceparent", $"00-{Trace}-{Caller}-01" } });

        Assert.That(await seen.Task, Is.EqualTo($"00-{Trace}-{Caller}-01"));
    }

    [Test]
    public async Task Span_OfAFailure_SaysSo()
    {
        using var directory = TestDirectory.Create();
        await using var server = await StartAsync(directory, StatusCode.DataLoss);
        using var measured = new MeasuredCalls(withSpans: true);

        await CallAsync(server, StatusCode.DataLoss, []);

        var (_, span) = await SidesAsync(measured);
        Assert.That((span.Status, span.StatusDescription), Is.EqualTo((ActivityStatusCode.Error, "as told")));
        Assert.That(span.GetTagItem("error.type"), Is.EqualTo("DATA_LOSS"));
    }

    [TestCase(true, "OK")]
    [TestCase(false, "CANCELLED")]
    public async Task Upload_ThatIsAnsweredOrGivenUp_IsMeasuredOnce(bool finished, string status)
    {
        using var directory = TestDirectory.Create();
        await using var server = await ScriptedServer.StartAsync(directory["s"], upload: async (messages, context) =>
        {
            while (await messages.MoveNext(context.CancellationToken)) continue;
            return new StagedImage();
        });
        using var measured = new MeasuredCalls();
        using var channel = SocketChannel.Open(server.Socket);
        var client = new Glance.Sidecar.V1.Staging.StagingClient(channel.Intercept(new CallTracer("there")));

        using (var call = client.Stage(cancellationToken: Deadline))
        {
            await call.RequestStream.WriteAsync(new StageRequest(), Deadline);
            if (finished)
            {
                await call.RequestStream.CompleteAsync();
                await call;
            }
        }

        var sides = await measured.MeasurementsAsync(2, Deadline);
        Assert.That(
            sides.Select(side => (side.Instrument, side["rpc.response.status_code"])),
            Is.EquivalentTo(new[] { (Client, status), (Server, status) }));
    }

    [Test]
    public async Task Handler_ThatFailsByABug_IsInternal_AndTellsNothingOfIt()
    {
        using var directory = TestDirectory.Create();
        await using var server = await ScriptedServer.StartAsync(
            directory["s"], _ => throw new InvalidDataException("a secret"));
        using var measured = new MeasuredCalls();
        using var channel = SocketChannel.Open(server.Socket);

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await new Glance.Sidecar.V1.Staging.StagingClient(channel)
            .GetCapacityAsync(new GetCapacityRequest(), cancellationToken: Deadline));

        AssertRefused(failure, StatusCode.Internal, "INTERNAL_ERROR");
        Assert.That(failure!.Status.Detail, Does.Not.Contain("secret"));
        Assert.That((await measured.MeasurementsAsync(1, Deadline)).Single()["error.type"], Is.EqualTo("INTERNAL"));
    }

    private static async Task<(Activity Sent, Activity Served)> SidesAsync(MeasuredCalls measured)
    {
        var spans = await measured.SpansAsync(2, Deadline);
        return (
            spans.Single(span => span.Kind == ActivityKind.Client), spans.Single(span => span.Kind == ActivityKind.Server));
    }

    private static Task<ScriptedServer> StartAsync(TestDirectory directory, StatusCode outcome) =>
        ScriptedServer.StartAsync(directory["s"], _ => outcome == StatusCode.OK
            ? Task.FromResult(new Capacity())
            : throw new RpcException(new Status(outcome, "as told")));

    private static async Task CallAsync(ScriptedServer server, StatusCode outcome, Metadata metadata)
    {
        using var channel = SocketChannel.Open(server.Socket);
        var client = new Glance.Sidecar.V1.Staging.StagingClient(channel.Intercept(new CallTracer("there")));
        using var call = client.GetCapacityAsync(new GetCapacityRequest(), metadata, cancellationToken: Deadline);
        if (outcome == StatusCode.OK) await call;
        else Assert.That((await Assert.ThrowsAsync<RpcException>(async () => await call))!.StatusCode, Is.EqualTo(outcome));
    }
}
