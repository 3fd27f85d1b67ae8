using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Health.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>Disks that fail below calls which do not write much themselves: each has a reason, and the daemon lives.</summary>
internal sealed class DiskFaultTests : SidecarTest
{
    private static readonly string[] NoReserve =
    [
        "--Staging:ReserveBytes", "0", "--Staging:LowWatermarkPercent", "0", "--Staging:HighWatermarkPercent", "0",
    ];

    [Test]
    public async Task Volume_ThatIsAway_MakesThePodUnready_AndItComesBack()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var health = new Health.HealthClient(sidecar.Channel);
        using var watch = health.Watch(new HealthCheckRequest { Service = "readiness" }, cancellationToken: Deadline);
        await UntilAsync(watch, HealthCheckResponse.Types.ServingStatus.Serving);

        Directory.Move(directory.Staging, directory["away"]);
        await UntilAsync(watch, HealthCheckResponse.Types.ServingStatus.NotServing);
        using (var http = new HttpClient { BaseAddress = sidecar.Ops })
        {
            Assert.That(await http.GetStringAsync("/healthz", Deadline), Is.EqualTo("ok\n"));
            using var ready = await http.GetAsync("/readyz", Deadline);
            Assert.That(await ready.Content.ReadAsStringAsync(Deadline), Does.StartWith("disk failed"));
            Assert.That(await http.GetStringAsync("/status.json", Deadline), Does.Contain("disk failed"));
            Assert.That(await http.GetStringAsync("/metrics", Deadline), Does.Contain("glance_staging_images "));
        }

        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.GetCapacityAsync(new GetCapacityRequest())),
            StatusCode.DataLoss, "DISK_FAILED");
        var self = (await sidecar.Peers.ListPeersAsync(new ListPeersRequest())).Self.Capacity;
        Assert.That((self.AcceptsUploads, self.Refusal), Is.EqualTo((false, "DISK_FAILED")));

        Directory.Move(directory["away"], directory.Staging);
        await UntilAsync(watch, HealthCheckResponse.Types.ServingStatus.Serving);
        await StageAsync(sidecar, NewId(), [1, 2, 3]);
        Assert.That(await sidecar.TerminateAsync(), Is.Zero);
    }

    [Test]
    public async Task BackgroundLoop_ThatFails_MakesThePodUnready_UntilItWorks()
    {
        using var directory = TestDirectory.Create();
        var tombstone = Path.Combine(directory.Staging, ".sidecar", "tombstones", NewId());
        Directory.CreateDirectory(Path.GetDirectoryName(tombstone)!);
        await File.WriteAllTextAsync(tombstone, "", Deadline);
        await File.WriteAllTextAsync(directory["old"], """{"deleted_at":"2020-01-01T00:00:00Z","told":[]}""", Deadline);
        SidecarInstance sidecar;
        using (Mount.Over(tombstone, directory["old"]))
        {
            sidecar = await SidecarInstance.StartAsync(directory.Path);
            sidecar.ExpectsErrors = true;
            using var broken = Watch(sidecar);
            await UntilAsync(broken, HealthCheckResponse.Types.ServingStatus.NotServing);
            using var http = new HttpClient { BaseAddress = sidecar.Ops };
            Assert.That(await http.GetStringAsync("/healthz", Deadline), Is.EqualTo("ok\n"));
            using var ready = await http.GetAsync("/readyz", Deadline);
            Assert.That((int)ready.StatusCode, Is.EqualTo(503));
            Assert.That(await ready.Content.ReadAsStringAsync(Deadline), Does.StartWith("background loop failed: janitor"));
            Assert.That(await http.GetStringAsync("/status.json", Deadline), Does.Contain("background loop failed: janitor"));
            Assert.That(
                await MetricsPage.ReadAsync(sidecar, "glance_staging_background_failures_total{loop=\"janitor\"}", Deadline),
                Is.Positive);
            var self = (await sidecar.Peers.ListPeersAsync(new ListPeersRequest())).Self;
            Assert.That(self.Condition.FailingLoops.Single().Name, Is.EqualTo("janitor"));
            await StageAsync(sidecar, NewId(), [1, 2, 3]); // what is asked for all the same is done
        }

        await using var _ = sidecar;
        using var watch = Watch(sidecar);
        await UntilAsync(watch, HealthCheckResponse.Types.ServingStatus.Serving);
        Assert.That(File.Exists(tombstone), Is.False);
        Assert.That((await sidecar.Peers.ListPeersAsync(new ListPeersRequest())).Self.Condition.FailingLoops, Is.Empty);
    }

    [Test]
    public async Task Delete_OnAReadOnlyVolume_IsDiskFailed()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var id = NewId();
        await StageAsync(sidecar, id, [1, 2, 3]);
        using (Mount.Over(Path.Combine(directory.Staging, id)))
        {
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(async () =>
                    await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id })),
                StatusCode.DataLoss, "DISK_FAILED");
        }
    }

    [Test]
    public async Task Release_OfAnImportWhoseFilesCannotBeRemoved_IsDiskFailed()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, import) = (NewId(), NewId());
        await StageAsync(sidecar, id, Content(1 << 20));
        using (var run = sidecar.Imports.RunImport(new RunImportRequest { ImageId = id, ImportId = import }))
        {
            await foreach (var _ in run.ResponseStream.ReadAllAsync(Deadline))
            {
            }
        }

        using (Mount.Over(Path.Combine(directory.Staging, ".sidecar", "imports", import, "import.json")))
        {
            AssertRefused(
                await Assert.ThrowsAsync<RpcException>(async () =>
                    await sidecar.Imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = import })),
                StatusCode.DataLoss, "DISK_FAILED");
        }
    }

    [Test]
    public async Task Adoption_AndImport_OnAFullVolume_AreNoSpace()
    {
        using var directory = TestDirectory.WithSpace(32 << 20);
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, NoReserve);
        var (staged, adopted) = (NewId(), NewId());
        await StageAsync(sidecar, staged, Content(1 << 20));
        await File.WriteAllBytesAsync(Path.Combine(directory.Staging, "written"), Content(1 << 20), Deadline);
        var fill = new byte[32 << 20];
        Assert.Throws<IOException>(() => File.WriteAllBytes(directory["foreign"], fill));

        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.AdoptFileAsync(
                new AdoptFileRequest { ImageId = adopted, Path = Path.Combine(directory.Staging, "written") })),
            StatusCode.ResourceExhausted, "NO_SPACE");
        using var import = sidecar.Imports.RunImport(new RunImportRequest { ImageId = staged, ImportId = NewId() });
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await import.ResponseStream.MoveNext(Deadline)),
            StatusCode.ResourceExhausted, "NO_SPACE");
    }

    [TestCase(253_402_300_799L, 0)] // 9999-12-31, which a retention cannot be added to
    [TestCase(long.MaxValue, 0)]
    [TestCase(-62_135_596_800L, 0)]
    [TestCase(1_000_000_000L, -1)]
    public async Task Time_ThatNoClockShows_IsRefusedWhereverItComesIn(long seconds, int nanos)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Peers:Static:0", "other=127.0.0.1:1", "--Peers:AllowPlaintext", "true", "--Peers:Address", "127.0.0.1:0");
        var time = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = seconds, Nanos = nanos };
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.DeleteImageAsync(
                new DeleteImageRequest { ImageId = NewId(), DeletedAt = time })),
            StatusCode.InvalidArgument, "INVALID_REQUEST");
        using var list = sidecar.Staging.ListImages(new ListImagesRequest { CommittedBefore = time });
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await list.ResponseStream.MoveNext(Deadline)),
            StatusCode.InvalidArgument, "INVALID_REQUEST");
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.SendAsync(new StageRequest { Header = new StageHeader { ImageId = NewId(), FirstCommittedAt = time } });
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.InvalidArgument, "INVALID_REQUEST");
    }

    private static AsyncServerStreamingCall<HealthCheckResponse> Watch(SidecarInstance sidecar) =>
        new Health.HealthClient(sidecar.Channel).Watch(
            new HealthCheckRequest { Service = "readiness" }, cancellationToken: Deadline);

    private static async Task UntilAsync(
        AsyncServerStreamingCall<HealthCheckResponse> watch, HealthCheckResponse.Types.ServingStatus status)
    {
        do Assert.That(await watch.ResponseStream.MoveNext(Deadline));
        while (watch.ResponseStream.Current.Status != status);
    }
}
