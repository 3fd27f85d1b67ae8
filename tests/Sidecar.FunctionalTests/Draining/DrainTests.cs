using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.FunctionalTests.Importing;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Draining;

/// <summary>A pod that goes gives its images to others, and says what it could not give.</summary>
internal sealed class DrainTests : ClusterTest
{
    private const int Mebibyte = 1 << 20;

    [Test]
    public async Task Drain_ThreePodsToOne_EverythingIsOnTheLastAndNothingOnTheOthers()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var contents = new Dictionary<string, byte[]>();
        foreach (var pod in (int[])[0, 1, 1, 2, 2, 2])
        {
            var (id, content) = (NewId(), Content(300_000 + contents.Count, contents.Count));
            contents[id] = content;
            await StageAsync(cluster[pod], id, content);
        }

        foreach (var pod in (int[])[2, 1])
        {
            var drain = await DrainAsync(cluster[pod], TimeSpan.Zero);
            Assert.That(drain.Left, Is.Empty);
            Assert.That(drain.ImagesMoved, Is.EqualTo(drain.ImagesTotal).And.Positive);
            Assert.That((drain.BytesMoved, drain.BytesSent), Is.EqualTo((drain.BytesTotal, drain.BytesTotal)));
            Assert.That(LeftFiles(cluster.Staging(pod)), Is.Empty);
            await cluster.StopPodAsync(pod);
        }

        foreach (var (id, content) in contents)
        {
            var image = await cluster[0].Staging.GetImageAsync(new GetImageRequest { ImageId = id });
            Assert.That(image.Owner, Is.EqualTo("glance-0"));
            Assert.That(await File.ReadAllBytesAsync(image.Path, Deadline), SameBytes.As(content));
        }

        var last = contents.Keys.Last();
        var moved = await cluster[0].Staging.GetImageAsync(new GetImageRequest { ImageId = last });
        Assert.That(moved.Origin, Is.EqualTo(StagedImage.Types.Origin.HandedOver));
        var import = await ImportAsync(cluster[0], new RunImportRequest { ImageId = last, OutputDiskFormat = "raw" });
        Assert.That(import.State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
    }

    [Test]
    public async Task Drain_ToAPodWithAllUploadsTaken_WaitsForAPlace()
    {
        await using var cluster = await Cluster.StartAsync(2, "--Rpc:MaxUploads", "1");
        var (id, content) = (NewId(), Content(300_000));
        await StageAsync(cluster[1], id, content);
        using var other = new StageStream(cluster[0].Uploads, Deadline);
        await other.HeaderAsync(NewId(), 1);
        await other.ChunkAsync(Content(1));
        var drain = DrainAsync(cluster[1], TimeSpan.Zero);
        await MetricsPage.UntilAsync(
            cluster[0], "glance_staging_admission_rejected_total{reason=\"OVERLOADED\"}", 2, Deadline);
        await other.FinishAsync(1);
        Assert.That((await drain).Left, Is.Empty);
        Assert.That(await ReadAsync(cluster[0], id), SameBytes.As(content));
    }

    [Test]
    public async Task Drain_WithAPodThatHasAllUploadsTaken_GoesToTheNextWithoutWaiting()
    {
        // The last one has less room, so that the first is asked first.
        await using var cluster = await Cluster.StartAsync(
            3, pod => pod == 2 ? ["--Staging:ReserveBytes", $"{1L << 30}"] : [], "--Rpc:MaxUploads", "1");
        var (id, content) = (NewId(), Content(300_000));
        await StageAsync(cluster[1], id, content);
        using var other = new StageStream(cluster[0].Uploads, Deadline);
        await other.HeaderAsync(NewId(), 1);
        await other.ChunkAsync(Content(1));
        Assert.That((await DrainAsync(cluster[1], TimeSpan.Zero)).Left, Is.Empty);
        Assert.That(await ImagesAsync(cluster[2]), Is.EqualTo([id]));
        Assert.That(
            await MetricAsync(cluster[0], "glance_staging_admission_rejected_total{reason=\"OVERLOADED\"}"), Is.EqualTo(1));
    }

    [Test]
    public async Task Drain_SparseImage_SendsItsDataOnlyAndItStaysSparse()
    {
        await using var cluster = await Cluster.StartAsync(2);
        const ulong Hole = 1UL << 30;
        var (id, data) = (NewId(), Content(Mebibyte));
        StagedImage before;
        using (var stage = new StageStream(cluster[1].Uploads, Deadline))
        {
            await stage.SendAsync(new StageRequest { Header = new StageHeader { ImageId = id, ProjectId = "demo" } });
            await stage.ChunkAsync(data);
            await stage.SendAsync(new StageRequest { Chunk = new StageChunk { Zeros = Hole } });
            await stage.ChunkAsync(data);
            await stage.SendAsync(new StageRequest { Chunk = new StageChunk { Zeros = Hole } });
            before = await stage.FinishAsync((2 * Hole) + (2 * Mebibyte));
        }

        var drain = await DrainAsync(cluster[1], TimeSpan.Zero);
        Assert.That((drain.BytesMoved, drain.BytesSent), Is.EqualTo((before.Size, (ulong)(2 * Mebibyte))));
        var after = await cluster[0].Staging.GetImageAsync(new GetImageRequest { ImageId = id });
        Assert.That((after.Size, after.Digests["crc32c"], after.ProjectId), Is.EqualTo((before.Size, before.Digests["crc32c"], "demo")));
        Assert.That(await FileBlocks.AllocatedAsync(after.Path), Is.LessThan(4 * Mebibyte));
        await using (var file = File.OpenRead(after.Path))
        {
            file.Position = Mebibyte + (long)Hole;
            var copy = new byte[Mebibyte];
            await file.ReadExactlyAsync(copy, Deadline);
            Assert.That(copy, SameBytes.As(data));
        }

        foreach (var (pod, direction) in ((int, string)[])[(1, "sent"), (0, "received")])
        {
            var series = $"glance_staging_transfer_bytes_total{{kind=\"hand_over\",direction=\"{direction}\"}}";
            Assert.That(await MetricsPage.ReadAsync(cluster[pod], series, Deadline), Is.EqualTo(2 * Mebibyte), direction);
        }

        Assert.That(await MetricsPage.ReadAsync(cluster[1], "glance_staging_draining", Deadline), Is.EqualTo(1));
        Assert.That(
            await MetricsPage.ReadAsync(cluster[1], "glance_staging_hand_overs_total{result=\"moved\"}", Deadline), Is.EqualTo(1));
    }

    [Test]
    public async Task Drain_PeersOfDifferentRoom_TheLargestFirstAndTheNextWhenItRefuses()
    {
        // glance-0 has the most room and takes small images only, glance-1 has less room.
        await using var cluster = await Cluster.StartAsync(3, pod => pod switch
        {
            0 => ["--Staging:MaxImageBytes", "1000", "--Staging:ReserveBytes", "0"],
            1 => ["--Staging:ReserveBytes", "1073741824"],
            _ => [],
        });
        var (small, large) = (NewId(), NewId());
        await StageAsync(cluster[2], small, Content(500));
        await StageAsync(cluster[2], large, Content(5000));
        var drain = await DrainAsync(cluster[2], TimeSpan.Zero);
        Assert.That(drain.Left, Is.Empty);
        Assert.That(File.Exists(Path.Combine(cluster.Staging(0), small)), Is.True, "the most room");
        Assert.That(File.Exists(Path.Combine(cluster.Staging(1), large)), Is.True, "the next");
    }

    [Test]
    public async Task Drain_NobodyHasRoom_IsReportedAndKept()
    {
        await using var cluster = await Cluster.StartAsync(
            2, pod => pod == 0 ? ["--Staging:ReserveBytes", $"{long.MaxValue}"] : []);
        var (id, unfinished, content) = (NewId(), NewId(), Content(5000));
        await StageAsync(cluster[1], id, content);
        using var stage = new StageStream(cluster[1].Uploads, Deadline);
        await stage.HeaderAsync(unfinished);
        await stage.ChunkAsync(content);
        await ReceivedAsync(cluster[1], unfinished, 5000);
        var drain = await DrainAsync(cluster[1], TimeSpan.Zero);
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.Unavailable, "DRAINING");
        Assert.That(
            drain.Left.Select(left => (left.Kind, left.ImageId, left.Bytes)),
            Is.EqualTo(new[]
            {
                (Remainder.Types.Kind.Image, id, 5000ul), (Remainder.Types.Kind.Upload, unfinished, 5000ul),
            }));
        Assert.That(drain.Left[0].Reason, Does.Contain("glance-0").And.Contain("bytes are needed"));
        Assert.That(await ReadAsync(cluster[1], id), SameBytes.As(content));
        Assert.That(
            await MetricsPage.ReadAsync(cluster[1], "glance_staging_hand_overs_total{result=\"kept\"}", Deadline), Is.EqualTo(1));
        Assert.That((await DrainAsync(cluster[1], TimeSpan.Zero)).Left, Has.Count.EqualTo(2), "asked again, it tries again");
    }

    [Test]
    public async Task Drain_WithAnUploadUnderWay_LetsItEndAndASecondCallAttaches()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path); // and without peers
        var (id, content) = (NewId(), Content(5000));
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(id);
        await stage.ChunkAsync(content);
        await ReceivedAsync(sidecar, id, 5000);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(Deadline);
        using (var first = new DrainCallStream(sidecar, TimeSpan.FromHours(1), gone.Token))
        {
            await first.UntilAsync(drain => drain is { State: Drain.Types.State.Waiting, RunningUploads: 1 });
            await gone.CancelAsync();
        }

        using var second = new DrainCallStream(sidecar, TimeSpan.Zero, Deadline);
        await second.UntilAsync(drain => drain.State == Drain.Types.State.Waiting);
        using var late = new StageStream(sidecar.Uploads, Deadline);
        await late.HeaderAsync(NewId());
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => late.Result), StatusCode.Unavailable, "DRAINING");
        await stage.FinishAsync(5000);
        var done = await second.EndAsync();
        Assert.That(done.Left.Select(left => left.ImageId), Is.EqualTo(new[] { id }));
        Assert.That(done.Left[0].Reason, Does.Contain("no peers"));
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
    }

    [Test]
    public async Task Drain_RunningImport_EndsWithinTheGraceThenItsImageGoes()
    {
        using var directory = TestDirectory.Create();
        var qemu = new SlowTool(directory);
        await using var cluster = await Cluster.StartAsync(2, qemu.Settings);
        var id = NewId();
        await StageAsync(cluster[1], id, Content(Mebibyte));
        var import = ImportAsync(cluster[1], Conversion(id, NewId()));
        await qemu.StartedAsync(Deadline);
        using var drain = new DrainCallStream(cluster[1], TimeSpan.FromHours(1), Deadline);
        await drain.UntilAsync(now => now is { State: Drain.Types.State.Waiting, RunningImports: 1 });
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => ImportAsync(cluster[1], Conversion(id, NewId()))),
            StatusCode.Unavailable, "DRAINING");
        await qemu.GoOnAsync(Deadline);
        Assert.That((await import).State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        Assert.That((await drain.EndAsync()).Left, Is.Empty);
        Assert.That(LeftFiles(cluster.Staging(1)), Is.Empty);
    }

    [Test]
    public async Task Drain_GraceOver_InterruptsTheImportAndItRunsAnewAtTheReceiver()
    {
        using var directory = TestDirectory.Create();
        var qemu = new SlowTool(directory);
        await using var cluster = await Cluster.StartAsync(2, qemu.Settings);
        var request = Conversion(NewId(), NewId());
        await StageAsync(cluster[1], request.ImageId, Content(Mebibyte));
        var import = ImportAsync(cluster[1], request);
        await qemu.StartedAsync(Deadline);
        var drain = await DrainAsync(cluster[1], TimeSpan.Zero);
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => import), StatusCode.Unavailable, "IMPORT_INTERRUPTED");
        Assert.That((drain.Left.Count, drain.ImagesMoved), Is.EqualTo((0, 1ul)));
        qemu.BeFast();
        var again = await ImportAsync(cluster[0], request);
        Assert.That((again.State, again.Owner), Is.EqualTo((ImportMessage.Types.State.Succeeded, "glance-0")));
    }

    [TestCase(0)]
    [TestCase(1)]
    public async Task Drain_ReceiverOrSourceKilledInTheMidst_GoesOnAndOneHasIt(int killed)
    {
        await using var cluster = await Cluster.StartAsync(2, "--Peers:ReattachTimeout", "00:01:00");
        var (id, content) = (NewId(), Content(32 * Mebibyte));
        await StageAsync(cluster[1], id, content);
        using (await SlowWritesAsync(cluster[0]))
        {
            using var drain = new DrainCallStream(cluster[1], TimeSpan.Zero, Deadline);
            await ReceivedAsync(cluster[0], id, Mebibyte);
            await cluster.KillPodAsync(killed);
            await cluster.StartPodAsync(killed);
            if (killed == 0) Assert.That((await drain.EndAsync()).Left, Is.Empty);
        }

        if (killed == 1)
        {
            await cluster.AllReachableAsync();
            Assert.That((await DrainAsync(cluster[1], TimeSpan.Zero)).Left, Is.Empty);
        }

        Assert.That(LeftFiles(cluster.Staging(1)), Is.Empty);
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(cluster.Staging(0), id), Deadline), SameBytes.As(content));
        Assert.That(
            cluster[0].Log.Any(line => line.Contains("\"EventId\":2000", StringComparison.Ordinal)
                && !line.Contains("begins at 0,", StringComparison.Ordinal)),
            Is.True, "it was resumed");
    }

    [Test]
    public async Task Drain_TerminatedInTheMidst_EndsAtOnceAndKeepsTheImage()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var (id, content) = (NewId(), Content(16 * Mebibyte));
        await StageAsync(cluster[1], id, content);
        using (await SlowWritesAsync(cluster[0]))
        {
            using var drain = new DrainCallStream(cluster[1], TimeSpan.Zero, Deadline);
            await ReceivedAsync(cluster[0], id, Mebibyte);
            var exit = cluster[1].TerminateAsync();
            AssertRefused(await Assert.ThrowsAsync<RpcException>(() => drain.EndAsync()), StatusCode.Unavailable, "DRAINING");
            Assert.That(await exit, Is.Zero);
        }

        var restarted = await cluster.StartPodAsync(1);
        Assert.That(await ReadAsync(restarted, id), SameBytes.As(content));
        Assert.That(File.Exists(Path.Combine(cluster.Staging(0), id)), Is.False);
        await StageAsync(restarted, NewId(), [1]);
    }

    [Test]
    public async Task Drain_ImageDeletedInTheMidst_IsNowhereAfterwards()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var id = NewId();
        await StageAsync(cluster[1], id, Content(16 * Mebibyte));
        using (await SlowWritesAsync(cluster[0]))
        {
            using var drain = new DrainCallStream(cluster[1], TimeSpan.Zero, Deadline);
            await ReceivedAsync(cluster[0], id, Mebibyte);
            await cluster[1].Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id, OnlyHere = true });
            var done = await drain.EndAsync();
            Assert.That((done.Left.Count, done.ImagesMoved), Is.EqualTo((0, 0ul)));
        }

        Assert.That(LeftFiles(cluster.Staging(0)).Concat(LeftFiles(cluster.Staging(1))), Is.Empty);
    }

    [Test]
    public async Task Drain_ReceiverHasTheImageAlready_SendsNothing()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var (same, newer, older) = (NewId(), NewId(), NewId());
        await StageAsync(cluster[0], older, Content(1000, 2));
        foreach (var id in (string[])[same, newer, older]) await StageAsync(cluster[1], id, Content(1000));
        await StageAsync(cluster[0], same, Content(1000));
        await StageAsync(cluster[0], newer, Content(1000, 2));
        var drain = await DrainAsync(cluster[1], TimeSpan.Zero);
        Assert.That((drain.BytesSent, drain.ImagesMoved), Is.EqualTo((0ul, 2ul)));
        Assert.That(drain.Left.Select(left => left.ImageId), Is.EqualTo(new[] { older }), "ours is the newer one");
        Assert.That(drain.Left[0].Reason, Does.Contain("glance-0").And.Contain("older"));
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(cluster.Staging(0), newer), Deadline), Is.EqualTo(Content(1000, 2)));
    }

    [Test]
    public async Task Drain_AskedByAPeer_IsNotForIt()
    {
        await using var cluster = await Cluster.StartAsync(1);
        using var channel = GrpcChannel.ForAddress($"http://{cluster.Address(0)}:{Cluster.PeerPort}");
        using var call = new Glance.Sidecar.V1.Peers.PeersClient(channel).Drain(new DrainRequest(), cancellationToken: Deadline);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Deadline)),
            StatusCode.PermissionDenied, "NOT_FOR_PEERS");
        await StageAsync(cluster[0], NewId(), [1]);
    }

    // A block is 128 KiB: slow enough to look at an upload before it is over.
    private static Task<Strace> SlowWritesAsync(SidecarInstance sidecar) =>
        Strace.AttachAsync(sidecar, "pwrite64:delay_exit=20000", Deadline);

    private static RunImportRequest Conversion(string imageId, string importId) => new()
    {
        ImageId = imageId, ImportId = importId, Stages = { "image_conversion" }, OutputDiskFormat = "qcow2",
    };

    private static async Task<ImportMessage> ImportAsync(SidecarInstance sidecar, RunImportRequest request) =>
        (await RunAsync(sidecar, request))[^1];

    // Everything but what says that the directory is a staging directory.
    private static IEnumerable<string> LeftFiles(string staging) => Directory
        .EnumerateFiles(staging, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        .Where(path => Path.GetFileName(path) is not ("format" or "lock"));
}
