using System.Text.Json;
using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>The log of a real daemon: traces, names from outside, and levels that change while it runs.</summary>
internal sealed class LogTests : ClusterTest
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Hostile = "a\r\n{\"LogLevel\":\"Critical\",\"Message\":\"forged\"}\u001b[2J\u0007";

    private static readonly Metadata Traced = new() { { "traceparent", $"00-{Trace}-00f067aa0ba902b7-01" } };

    // One line each of: upload begins, image staged, import started, import succeeded.
    private static readonly int[] LinesOfAnImage = [2000, 2001, 3000, 3001];

    [TestCase(false)]
    [TestCase(true)]
    public async Task Lines_OfACall_AndOfTheImportThatItStarts_CarryItsTrace(bool sends)
    {
        using var directory = TestDirectory.Create();
        await using var collector = await OtlpCollector.StartAsync();
        await using var sidecar = await SidecarInstance.StartUnderAsync(
            sends ? ["env", .. collector.Environment] : [], directory.Path);
        var id = NewId();

        await StageTracedAsync(sidecar, id);
        await ImportTracedAsync(sidecar, id);

        foreach (var number in LinesOfAnImage)
        {
            var line = await LineAsync(sidecar, entry =>
                entry.GetProperty("EventId").GetInt32() == number && Message(entry).Contains(id));
            Assert.That(line.GetProperty("TraceId").GetString(), Is.EqualTo(Trace), Message(line));
            Assert.That(line.GetProperty("SpanId").GetString(), Has.Length.EqualTo(16), Message(line));
        }
    }

    [Test]
    public async Task Names_WithLineEndsAndEscapes_ForgeNothing()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar =
            await SidecarInstance.StartAsync(directory.Path, "--Logging:LogLevel:Default", "Trace");
        var id = NewId();
        await StageAsync(sidecar, id, Content(4096));

        foreach (var call in HostileCalls(sidecar, id))
        {
            await Assert.ThatAsync(async () => await call(), Throws.InstanceOf<RpcException>());
        }

        await LineAsync(sidecar, entry => Message(entry).Contains("RunImport was refused", StringComparison.Ordinal));
        Assert.That(
            sidecar.Log.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("LogLevel").GetString()),
            Has.None.EqualTo("Critical"));
        Assert.That(sidecar.Log.SelectMany(line => line).Where(char.IsControl), Is.Empty);
        Assert.That(sidecar.Log.Any(line => line.Contains("forged", StringComparison.Ordinal)),
            Is.True, "they are logged at all");
    }

    [Test]
    public async Task Level_Changed_HoldsAtOnce_AndUntilItIsReset()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar =
            await SidecarInstance.StartAsync(directory.Path, "--Logging:LogLevel:Sidecar.Staging", "Error");
        var operations = new Operations.OperationsClient(sidecar.Channel);
        var (quiet, loud, again) = (NewId(), NewId(), NewId());

        await StageAsync(sidecar, quiet, Content(10));
        var set = await operations.SetLogLevelAsync(
            new SetLogLevelRequest { Category = "Sidecar.Staging", Level = "debug" });
        await StageAsync(sidecar, loud, Content(10));
        var reset = await operations.SetLogLevelAsync(new SetLogLevelRequest { Category = "Sidecar.Staging" });
        await StageAsync(sidecar, again, Content(10));
        await operations.SetLogLevelAsync(new SetLogLevelRequest { Category = "Sidecar.Rpc", Level = "Debug" });
        await Assert.ThatAsync(
            async () => await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = NewId() }),
                Throws.InstanceOf<RpcException>());
        await LoggedAsync(sidecar, "\"EventId\":1901"); // what came before it is in the log too

        Assert.That((set.Level, set.Configured, set.Changed), Is.EqualTo(("Debug", "Error", true)));
        Assert.That((reset.Level, reset.Configured, reset.Changed), Is.EqualTo(("Error", "Error", false)));
        Assert.That((Count(sidecar, quiet), Count(sidecar, loud), Count(sidecar, again)), Is.EqualTo((0, 2, 0)));
    }

    [Test]
    public async Task Level_ForATime_RevertsByItself()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var operations = new Operations.OperationsClient(sidecar.Channel);

        var set = await operations.SetLogLevelAsync(new SetLogLevelRequest
        {
            Level = "Warning", RevertAfter = Duration.FromTimeSpan(TimeSpan.FromSeconds(1)),
        });
        var answer = await UntilAsync(
            async () => await operations.GetLogLevelsAsync(new GetLogLevelsRequest()), levels =>
                levels.Levels.All(level => !level.Changed));

        Assert.That((set.Category, set.Level, set.RevertsAt is not null), Is.EqualTo(("Default", "Warning", true)));
        Assert.That(
            answer.Levels.Select(level => (level.Category, level.Level)),
            Is.EqualTo(new[]
            {
                ("Default", "Information"), ("Grpc", "Warning"), ("Microsoft", "Warning"), ("Yarp", "Error"),
            }));
        await StageAsync(sidecar, NewId(), Content(10));
        await LoggedAsync(sidecar, "\"EventId\":2001");
    }

    [TestCase("Default", "loud", 0, "Trace, Debug, Information, Warning, Error, Critical, None")]
    [TestCase("Default", "3", 0, "Trace, Debug, Information, Warning, Error, Critical, None")]
    [TestCase("a:b", "Debug", 0, "Sidecar.Import, or Default")]
    [TestCase("Default", "Debug", -1, "at most 86400 s")]
    [TestCase("Default", "Debug", 86401, "at most 86400 s")]
    public async Task Level_ThatIsNone_IsRefused_NamingWhatIsAllowed(
        string category, string level, int seconds, string named)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var request = new SetLogLevelRequest { Category = category, Level = level };
        if (seconds != 0) request.RevertAfter = new Duration { Seconds = seconds };

        var refusal = await Assert.ThrowsAsync<RpcException>(
            async () => await new Operations.OperationsClient(sidecar.Channel).SetLogLevelAsync(request));

        AssertRefused(refusal, StatusCode.InvalidArgument, "INVALID_REQUEST");
        Assert.That(refusal!.Status.Detail, Does.Contain(named));
    }

    [Test]
    public async Task Levels_AreNotForPeers()
    {
        await using var cluster = await Cluster.StartAsync(2);
        using var channel = GrpcChannel.ForAddress($"http://{cluster.Address(0)}:{Cluster.PeerPort}");
        var operations = new Operations.OperationsClient(channel);

        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await operations.GetLogLevelsAsync(new GetLogLevelsRequest())),
            StatusCode.PermissionDenied, "NOT_FOR_PEERS");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () =>
                await operations.SetLogLevelAsync(new SetLogLevelRequest { Level = "Trace" })),
            StatusCode.PermissionDenied, "NOT_FOR_PEERS");
    }

    // In an image id, a request id, a project and a disk format.
    private static IEnumerable<Func<Task>> HostileCalls(SidecarInstance sidecar, string id) =>
    [
        async () => await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = Hostile }),
        async () =>
        {
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            var header = new StageHeader { ImageId = NewId(), ProjectId = Hostile, DiskFormat = Hostile };
            await stage.SendAsync(new StageRequest { Header = header });
            await stage.FinishAsync(0);
        },
        () => RunAsync(sidecar, new RunImportRequest { ImageId = id, RequestId = Hostile }),
    ];

    private static async Task StageTracedAsync(SidecarInstance sidecar, string id)
    {
        using var call = sidecar.Staging.Stage(Traced, cancellationToken: Deadline);
        await call.RequestStream.WriteAsync(new StageRequest { Header = new StageHeader { ImageId = id } });
        await call.RequestStream.WriteAsync(new StageRequest { Chunk = new StageChunk { Zeros = 4096 } });
        await call.RequestStream.WriteAsync(new StageRequest { Finish = new StageFinish { TotalSize = 4096 } });
        await call.RequestStream.CompleteAsync();
        await call;
    }

    private static async Task ImportTracedAsync(SidecarInstance sidecar, string id)
    {
        using var call = sidecar.Imports.RunImport(
            new RunImportRequest { ImageId = id, Stages = { "image_decompression" } }, Traced,
                cancellationToken: Deadline);
        await foreach (var _ in call.ResponseStream.ReadAllAsync(Deadline)) continue;
    }

    private static string Message(JsonElement entry) => entry.GetProperty("Message").GetString()!;

    private static async Task<JsonElement> LineAsync(SidecarInstance sidecar, Func<JsonElement, bool> isIt)
    {
        while (true)
        {
            foreach (var line in sidecar.Log)
            {
                var entry = JsonDocument.Parse(line).RootElement;
                if (isIt(entry)) return entry;
            }

            await Cluster.BetweenLooks();
        }
    }
}
