using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;
using Testing;

namespace Sidecar.SoakTests.Load;

/// <summary>Far more of everything than a small container has room for: it goes on serving, and gives the memory back.</summary>
[Explicit("It takes a machine for itself: eng/soak --load runs it.")]
[CancelAfter(1_800_000)]
internal sealed class LoadTests : SidecarTest
{
    private const long ContainerBytes = 256 << 20;
    private const int IdleConnections = 10_000;
    private const int UnfinishedFrames = 2_000;
    private const int Uploads = 1_500;
    private const int UploadsOnAConnection = 100;
    private const long KeptBytes = 64 << 20; // more than before, when all is over

    [Test]
    public async Task Daemon_In256MiB_WithConnectionsFramesAndUploads_GoesOnServingAndGivesMemoryBack()
    {
        using var directory = TestDirectory.Create();
        using var limit = new MemoryLimit(ContainerBytes);
        await using var sidecar = await SidecarInstance.StartUnderAsync(
            limit.Launcher, directory.Path, "--Hosting:HealthAddress", "127.0.0.1:0");
        await ServesAsync(sidecar);
        var before = ProcessUse.Of(sidecar.ProcessId);
        using (var crowd = new Crowd())
        {
            var ports = sidecar.Addresses
                .Where(address => address.Contains("://127", StringComparison.Ordinal)).Select(address => new Uri(address).Port).ToList();
            await crowd.JoinAsync(IdleConnections, ports, withFrame: false, Deadline);
            await ServesAsync(sidecar);
            await crowd.JoinAsync(UnfinishedFrames, ports, withFrame: true, Deadline);
            await ServesAsync(sidecar);
            await UploadAsync(sidecar);
            TestContext.Progress.WriteLine($"before {before}, with {crowd.Count} connections {ProcessUse.Of(sidecar.ProcessId)}");
            await ServesAsync(sidecar);
        }

        while (ProcessUse.Of(sidecar.ProcessId).ResidentBytes > before.ResidentBytes + KeptBytes)
        {
            Deadline.ThrowIfCancellationRequested();
            await Cluster.BetweenLooks();
        }

        TestContext.Progress.WriteLine($"afterwards {ProcessUse.Of(sidecar.ProcessId)}");
        await ServesAsync(sidecar);
    }

    private static async Task ServesAsync(SidecarInstance sidecar)
    {
        using var health = GrpcChannel.ForAddress($"http://127.0.0.1:{new Uri(sidecar.Addresses[^2]).Port}");
        var answer = await new Health.HealthClient(health).CheckAsync(new HealthCheckRequest(), cancellationToken: Deadline);
        Assert.That(answer.Status, Is.EqualTo(HealthCheckResponse.Types.ServingStatus.Serving));
        var id = NewId();
        await StageAsync(sidecar, id, Content(1 << 20));
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(Content(1 << 20)));
        await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id }, cancellationToken: Deadline);
    }

    // All at once; each is staged, or refused as one too many.
    private static async Task UploadAsync(SidecarInstance sidecar)
    {
        var channels = Enumerable.Range(0, Uploads / UploadsOnAConnection).Select(_ => SocketChannel.Open(sidecar.Socket)).ToList();
        var allBegan = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = 0;
        var outcomes = await Task.WhenAll(Enumerable.Range(0, Uploads)
            .Select(i => Task.Run(() => OneAsync(channels[i / UploadsOnAConnection]), Deadline)));
        foreach (var channel in channels) channel.Dispose();
        TestContext.Progress.WriteLine($"{outcomes.Count(outcome => outcome == "staged")} of {Uploads} uploads at once were staged");
        Assert.That(outcomes.Distinct(), Is.SubsetOf(new[] { "staged", "OVERLOADED" }));
        Assert.That(outcomes, Does.Contain("staged"));

        async Task<string> OneAsync(GrpcChannel channel)
        {
            using var call = new Glance.Sidecar.V1.Staging.StagingClient(channel).Stage(cancellationToken: Deadline);
            await TryWriteAsync(call.RequestStream, new StageRequest { Header = new StageHeader { ImageId = NewId() } });
            await TryWriteAsync(call.RequestStream, new StageRequest { Chunk = new StageChunk { Data = ByteString.CopyFromUtf8("x") } });
            if (Interlocked.Increment(ref begun) == Uploads) allBegan.SetResult();
            await allBegan.Task.WaitAsync(Deadline);
            await TryWriteAsync(call.RequestStream, new StageRequest { Finish = new StageFinish { TotalSize = 1 } });
            return await OutcomeAsync(call.ResponseAsync);
        }
    }

    private static async Task TryWriteAsync(IClientStreamWriter<StageRequest> stream, StageRequest part)
    {
        try
        {
            await stream.WriteAsync(part, Deadline);
        }
        catch (Exception ended) when (ended is RpcException or InvalidOperationException)
        {
            // The call has its answer already.
        }
    }

    private static async Task<string> OutcomeAsync(Task<StagedImage> answer)
    {
        try
        {
            await answer;
            return "staged";
        }
        catch (RpcException refused)
        {
            return KnownErrors.ReasonOf(refused) ?? refused.Status.ToString();
        }
    }
}
