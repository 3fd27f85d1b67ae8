using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>A full volume refuses clearly, and harms nothing that is there.</summary>
internal sealed class FullDiskTests : SidecarTest
{
    private static readonly string[] NoReserve =
    [
        "--Staging:ReserveBytes", "1048576", "--Staging:LowWatermarkPercent", "0",
        "--Staging:HighWatermarkPercent", "0", "--Staging:ReservationStepBytes", "1048576",
    ];

    [Test]
    public async Task Stage_DeclaredSizeThatDoesNotFit_IsRefusedBeforeTheFirstByte()
    {
        using var directory = TestDirectory.WithSpace(32 << 20);
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, NoReserve);
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(NewId(), 64 << 20);
        var facts = AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.ResourceExhausted, "NO_SPACE");
        Assert.That(Number(facts, "needed"), Is.EqualTo(64 << 20));
        Assert.That(Number(facts, "available"), Is.LessThan(32 << 20));
        Assert.That((facts["never"], facts.ContainsKey("retry_after_seconds")), Is.EqualTo(("true", false)));
    }

    [Test]
    public async Task Stage_TwoThatFitOnlyAlone_TheSecondIsRefused()
    {
        using var directory = TestDirectory.WithSpace(32 << 20);
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, NoReserve);
        var first = NewId();
        using var one = new StageStream(sidecar.Uploads, Deadline);
        await one.HeaderAsync(first, 20 << 20);
        await one.ChunkAsync(new byte[1]);
        await ReceivedAsync(sidecar, first, 1);
        using var two = new StageStream(sidecar.Uploads, Deadline);
        await two.HeaderAsync(NewId(), 20 << 20);
        var facts = AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => two.Result), StatusCode.ResourceExhausted, "NO_SPACE");
        Assert.That(Number(facts, "reserved"), Is.EqualTo((20 << 20) - 1));
        Assert.That(facts["never"], Is.EqualTo("false"));
        Assert.That(Number(facts, "retry_after_seconds"), Is.Positive);
        await one.ContentAsync(new byte[(20 << 20) - 1]);
        await one.FinishAsync(20 << 20);
    }

    [Test]
    public async Task Stage_VolumeFillsUpInTheMiddle_KeepsTheUploadAndEverythingElse()
    {
        using var directory = TestDirectory.WithSpace(32 << 20);
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, NoReserve);
        var (staged, id, content) = (NewId(), NewId(), Content(30 << 20));
        var before = Content(8 << 20, 2);
        await StageAsync(sidecar, staged, before);
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.HeaderAsync(id); // no declared size: it cannot be refused at the start
            var refusal = await Assert.ThrowsAsync<RpcException>(async () =>
            {
                await stage.ContentAsync(content);
                await stage.FinishAsync((ulong)content.Length);
            });
            AssertRefused(refusal, StatusCode.ResourceExhausted, "NO_SPACE");
        }

        Assert.That(await ReadAsync(sidecar, staged), SameBytes.As(before));
        var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        Assert.That(upload.ReceivedOffset, Is.Positive);
        await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = staged });
        using var resumed = new StageStream(sidecar.Uploads, Deadline);
        await resumed.HeaderAsync(id, resumeOffset: upload.ReceivedOffset);
        await resumed.ContentAsync(content.AsMemory((int)upload.ReceivedOffset));
        await resumed.FinishAsync((ulong)content.Length);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
    }

    [Test]
    public async Task Stage_SomebodyElseFillsTheVolume_FailsCleanlyAndGoesOnLater()
    {
        using var directory = TestDirectory.WithSpace(32 << 20);
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, NoReserve);
        var (id, content) = (NewId(), Content(16 << 20));
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.HeaderAsync(id, (ulong)content.Length); // fits, and is promised
            await stage.ContentAsync(content.AsMemory(0, 4 << 20));
            await ReceivedAsync(sidecar, id, 4 << 20);
            var fill = new byte[32 << 20];
            Assert.Throws<IOException>(() => File.WriteAllBytes(directory["foreign"], fill));
            var refusal = await Assert.ThrowsAsync<RpcException>(async () =>
            {
                await stage.ContentAsync(content.AsMemory(4 << 20));
                await stage.FinishAsync((ulong)content.Length);
            });
            AssertRefused(refusal, StatusCode.ResourceExhausted, "NO_SPACE");
        }

        var aborted = NewId();
        await sidecar.Staging.AbortUploadAsync(new AbortUploadRequest { ImageId = aborted });
        File.Delete(directory["foreign"]);
        var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
        using var resumed = new StageStream(sidecar.Uploads, Deadline);
        await resumed.HeaderAsync(id, resumeOffset: upload.ReceivedOffset);
        await resumed.ContentAsync(content.AsMemory((int)upload.ReceivedOffset));
        await resumed.FinishAsync((ulong)content.Length);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
    }

    [Test]
    public async Task Stage_NoRoomForEvenTheHeader_IsRefusedAndWorksLater()
    {
        using var directory = TestDirectory.WithSpace(32 << 20);
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Staging:ReserveBytes", "0", "--Staging:LowWatermarkPercent", "0",
            "--Staging:HighWatermarkPercent", "0");
        var fill = new byte[32 << 20];
        Assert.Throws<IOException>(() => File.WriteAllBytes(directory["foreign"], fill));
        var id = NewId();
        using (var stage = new StageStream(sidecar.Uploads, Deadline))
        {
            await stage.HeaderAsync(id); // without a declared size the ledger has nothing to object to
            AssertRefused(await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.ResourceExhausted, "NO_SPACE");
        }

        File.Delete(directory["foreign"]);
        await StageAsync(sidecar, id, [1, 2, 3]);
        Assert.That(await ReadAsync(sidecar, id), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public async Task Readiness_BelowTheLowWatermark_IsLostWhileLivenessStays()
    {
        using var directory = TestDirectory.WithSpace(32 << 20);
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Staging:ReserveBytes", "0", "--Staging:LowWatermarkPercent", "50",
            "--Staging:HighWatermarkPercent", "60");
        using var http = new HttpClient { BaseAddress = sidecar.Ops };
        Assert.That(await http.GetStringAsync("/readyz", Deadline), Is.EqualTo("ready\n"));
        await StageAsync(sidecar, NewId(), new byte[17 << 20]);
        using var ready = await http.GetAsync("/readyz", Deadline);
        Assert.That((int)ready.StatusCode, Is.EqualTo(503));
        Assert.That(await http.GetStringAsync("/healthz", Deadline), Is.EqualTo("ok\n"));
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(NewId(), 1);
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => stage.Result), StatusCode.ResourceExhausted, "NO_SPACE");
        var capacity = await sidecar.Staging.GetCapacityAsync(new GetCapacityRequest());
        Assert.That((capacity.AcceptsUploads, capacity.Refusal), Is.EqualTo((false, "LOW_SPACE")));
    }
}
