using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>Space that is promised before the first byte, through the real daemon.</summary>
internal sealed class ReserveTests : ClusterTest
{
    private const ulong Mebibyte = 1 << 20;

    [Test]
    public async Task Reserve_WhileTheCallLasts_HoldsSpaceAndShowsTheImage()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var id = NewId();
        using (await ReserveStream.OpenAsync(sidecar, id, 5 * Mebibyte, Deadline))
        {
            var capacity = await CapacityAsync(sidecar);
            Assert.That((capacity.ReservedBytes, capacity.ActiveUploads), Is.EqualTo((5 * Mebibyte, 1ul)));
            Assert.That(await MetricAsync(sidecar, "glance_staging_volume_reserved_bytes"), Is.EqualTo(5 * Mebibyte));
            var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id });
            Assert.That((upload.State, upload.ReceivedOffset), Is.EqualTo((Upload.Types.State.Reserved, 0ul)));
        }

        await UntilAsync(() => CapacityAsync(sidecar), capacity => capacity.ReservedBytes == 0);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(
                async () => await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = id })),
            StatusCode.NotFound, "UPLOAD_NOT_FOUND");
    }

    [Test]
    public async Task Reserve_ItsHolderIsKilled_EndsIt()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var holder = StartHolder(sidecar, NewId(), 7 * Mebibyte);
        Assert.That(await holder.StandardOutput.ReadLineAsync(Deadline), Is.EqualTo($"{7 * Mebibyte}"));
        Assert.That((await CapacityAsync(sidecar)).ReservedBytes, Is.EqualTo(7 * Mebibyte));
        holder.Kill();
        await UntilAsync(() => CapacityAsync(sidecar), capacity => capacity.ReservedBytes == 0);
    }

    [Test]
    public async Task Reserve_MoreThanTheVolumeIs_NeverFits()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Staging:MaxImageBytes", $"{1L << 60}");
        using var call = sidecar.Staging.Reserve(new ReserveRequest { ImageId = NewId(), Bytes = 1ul << 59 });
        var facts = AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Deadline)),
            StatusCode.ResourceExhausted, "NO_SPACE");
        Assert.That(facts["never"], Is.EqualTo("true"));
    }

    [Test]
    public async Task AdjustReservation_AsTheHolderWrites_LowersIt()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var held = await ReserveStream.OpenAsync(sidecar, NewId(), 5 * Mebibyte, Deadline);
        var request = new AdjustReservationRequest { ReservationId = held.Id, RemainingBytes = Mebibyte };
        Assert.That((await sidecar.Staging.AdjustReservationAsync(request)).RemainingBytes, Is.EqualTo(Mebibyte));
        Assert.That((await CapacityAsync(sidecar)).ReservedBytes, Is.EqualTo(Mebibyte));
        request.ReservationId = "no-such-thing";
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await sidecar.Staging.AdjustReservationAsync(request)),
            StatusCode.NotFound, "RESERVATION_NOT_FOUND");
    }

    [Test]
    public async Task Stage_WithAReservation_UsesItsSpaceAndCommits()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, content) = (NewId(), Content(1 << 20));
        using var held = await ReserveStream.OpenAsync(sidecar, id, Mebibyte, Deadline);
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        var header = new StageHeader { ImageId = id, DeclaredSize = Mebibyte, ReservationId = held.Id };
        await stage.SendAsync(new StageRequest { Header = header });
        await stage.ChunkAsync(content.AsMemory(0, 1000));
        Assert.That((await ReceivedAsync(sidecar, id, 1000)).State, Is.EqualTo(Upload.Types.State.Receiving));
        Assert.That((await CapacityAsync(sidecar)).ReservedBytes, Is.EqualTo(Mebibyte - 1000), "not counted twice");
        await stage.ContentAsync(content.AsMemory(1000));
        await stage.FinishAsync(Mebibyte);
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
    }

    [Test]
    public async Task Drain_WithSpaceHeld_EndsTheCallAfterItsGrace()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var held = await ReserveStream.OpenAsync(sidecar, NewId(), Mebibyte, Deadline);
        await DrainAsync(sidecar, TimeSpan.Zero);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => held.EndAsync(Deadline)), StatusCode.Unavailable, "DRAINING");
    }

    [Test]
    public async Task Terminate_WithSpaceHeld_EndsTheCallAndStops()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var held = await ReserveStream.OpenAsync(sidecar, NewId(), Mebibyte, Deadline);
        var exit = sidecar.TerminateAsync();
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => held.EndAsync(Deadline)), StatusCode.Unavailable, "DRAINING");
        Assert.That(await exit, Is.Zero);
    }

    private static async Task<Capacity> CapacityAsync(SidecarInstance sidecar) =>
        await sidecar.Staging.GetCapacityAsync(new GetCapacityRequest());

    // A program of its own, as only a process can be killed. The message is written by hand: it needs no generated code.
    private static Process StartHolder(SidecarInstance sidecar, string id, ulong bytes)
    {
        const string script = """
            import sys, grpc
            def varint(n):
                out = b''
                while n > 127: out, n = out + bytes([n & 127 | 128]), n >> 7
                return out + bytes([n])
            image, size = sys.argv[2].encode(), int(sys.argv[3])
            call = grpc.insecure_channel(sys.argv[1]).unary_stream('/glance.sidecar.v1.Staging/Reserve')
            for answer in call(b'\x0a' + varint(len(image)) + image + b'\x10' + varint(size)):
                print(size if answer.endswith(b'\x10' + varint(size)) else answer, flush=True)
            """;
        return Process.Start(new ProcessStartInfo(
            "/usr/bin/python3", ["-c", script, "unix:" + sidecar.Socket, id, $"{bytes}"]) { RedirectStandardOutput = true })!;
    }
}
