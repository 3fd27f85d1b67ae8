using System.Net;
using Glance.Sidecar.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>What the daemon says to requests that no gRPC library would send. Nobody else is harmed by any of them.</summary>
internal sealed class MalformedCallTests : SidecarTest
{
    private const string GetImage = "/glance.sidecar.v1.Staging/GetImage";

    private static readonly byte[] Empty = Frames.Of([]);

    private static readonly TestCaseData[] Bodies =
    [
        new TestCaseData(Frames.Of([0xff, 0xff, 0xff]), "13", "no message that GetImage takes").SetArgDisplayNames("no protobuf"),
        new TestCaseData((byte[])[.. Frames.Prefix(100), 1, 2, 3], "13", "Incomplete").SetArgDisplayNames("cut short"),
        new TestCaseData((byte[])[], "13", "").SetArgDisplayNames("no message"),
        new TestCaseData((byte[])[.. Empty, .. Empty], "13", "").SetArgDisplayNames("two messages"),
        new TestCaseData(Frames.Of([], flag: 1), "13", "").SetArgDisplayNames("compressed without an encoding"),
        new TestCaseData(Frames.Prefix(100 << 20), "8", "exceeds").SetArgDisplayNames("announces 100 MiB"),
        new TestCaseData(Frames.Prefix(uint.MaxValue), "13", "").SetArgDisplayNames("announces 4 GiB"),
    ];

    [TestCaseSource(nameof(Bodies))]
    public async Task Request_ThatCannotBeRead_IsToldWhy_LoggedAndCounted(byte[] body, string status, string said)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        sidecar.ExpectsErrors = true;
        using var raw = new RawCalls(sidecar.Socket);

        var answer = await raw.SendAsync(GetImage, body, Deadline);

        Assert.That((answer.HttpStatus, answer.Status), Is.EqualTo((HttpStatusCode.OK, status)), answer.Message);
        Assert.That(answer.Message, Does.Contain(said));
        Assert.That(answer.Message, Does.Not.Contain("Exception"));
        await sidecar.LoggedAsync("Staging/GetImage was refused with", Deadline);
        using var http = new HttpClient();
        Assert.That(
            await http.GetStringAsync(new Uri(sidecar.Ops, "/metrics"), Deadline),
            Does.Match($"rpc_server_call_duration_seconds_count{{[^}}]*rpc_method=\"glance.sidecar.v1.Staging/GetImage\""));
        Assert.That((await sidecar.Staging.GetCapacityAsync(new GetCapacityRequest())).TotalBytes, Is.Positive);
    }

    [TestCase("grpc-encoding", "snappy", "12")]
    [TestCase("grpc-encoding", "gzip", "8", TestName = "Request_GzipBomb_IsRefused")]
    public async Task Request_WithAnEncoding_IsRefused(string header, string value, string status)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        sidecar.ExpectsErrors = true;
        using var raw = new RawCalls(sidecar.Socket);

        var answer = await raw.SendAsync(
            GetImage, Frames.Of(Frames.Gzip(new byte[64 << 20]), flag: 1), Deadline, (header, value));

        Assert.That(answer.Status, Is.EqualTo(status), answer.Message);
    }

    [TestCase("/glance.sidecar.v1.Staging/Nothing")]
    [TestCase("/no.such.Service/Call")]
    public async Task Call_OfSomethingUnknown_IsUnimplemented_AndMakesNoSeries(string path)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var raw = new RawCalls(sidecar.Socket);

        var answer = await raw.SendAsync(path, Empty, Deadline);

        Assert.That(answer.Status, Is.EqualTo("12"));
        using var http = new HttpClient();
        Assert.That(await http.GetStringAsync(new Uri(sidecar.Ops, "/metrics"), Deadline), Does.Not.Contain(path[1..]));
    }

    [Test]
    public async Task Request_ThatIsResetBeforeItWasRead_IsNoErrorOfOurs()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Logging:LogLevel:Sidecar.Rpc", "Debug", "--Logging:LogLevel:Grpc", "Debug");
        using var raw = new RawCalls(sidecar.Socket);
        var body = new System.IO.Pipelines.Pipe();
        using var hangUp = CancellationTokenSource.CreateLinkedTokenSource(Deadline);

        var call = raw.SendAsync(GetImage, body.Reader, hangUp.Token);
        await body.Writer.WriteAsync(Frames.Prefix(100), Deadline);
        await sidecar.LoggedAsync("Reading message.", Deadline);
        await hangUp.CancelAsync();

        await Assert.ThatAsync(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        await sidecar.LoggedAsync("GetImage ended with Cancelled", Deadline);
        // That nothing is logged at Error is what the end of every test looks at; what is dropped there is one event only.
        var answer = await raw.SendAsync(GetImage, Frames.Of([0xff]), Deadline);
        Assert.That(answer.Status, Is.EqualTo("13"));
        await sidecar.LoggedAsync("InvalidProtocolBufferException", Deadline);
        Assert.That(
            sidecar.Log.Where(line => line.Contains("\"LogLevel\":\"Error\"", StringComparison.Ordinal)),
            Has.All.Contain("InvalidProtocolBufferException"));
        sidecar.ExpectsErrors = true;
    }
}
