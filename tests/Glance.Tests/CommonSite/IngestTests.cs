using System.Net;
using Glance.Sidecar.V1;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Glance.Tests.CommonSite;

/// <summary>Uploads that come in through the sidecar, in front of an unmodified Glance: each way to end.</summary>
internal sealed class IngestTests : IngestTest
{
    protected override Task<Site> SiteAsync() => Suite.SiteAsync();

    [Test]
    public async Task Stagectl_StagesThroughGlancesApi_AndSaysWhatGlanceRefuses()
    {
        var disk = Disk.Create(Site, 8 * MiB);
        using var source = TestDirectory.Create();
        await File.WriteAllBytesAsync(source["disk"], await disk.AsAsync("qcow2"), Deadline);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("qcow2");
        var before = await CountAsync("staged");

        var (refused, text) = await PutAsync(source["disk"], id, "eve:other:member");
        Assert.That(refused, Is.EqualTo(4), text);
        Assert.That(text, Does.Contain("[IMAGE_NOT_FOUND]"));
        var (staged, output) = await PutAsync(source["disk"], id, ImageApi.Member);

        Assert.That(staged, Is.Zero, output);
        Assert.That(await CountAsync("staged"), Is.EqualTo(before + 1));
        await ImportedAsync(1, id);
        await AssertBytesAsync(2, id, disk.Raw);
        var (late, why) = await PutAsync(source["disk"], id, ImageApi.Member);
        Assert.That(late, Is.EqualTo(1), why);
        Assert.That(why, Does.Contain("[CONFLICT]"));
    }

    [Test]
    public async Task EverythingElse_PassesThrough()
    {
        var bytes = Noise(3 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        await user.UploadAsync(id, bytes);

        Assert.That(await user.ReadAsync(id), SameBytes.As(bytes));
        Assert.That((await user.GetAsync(id)).Status, Is.EqualTo("active"));
        AssertStatus(await user.DeleteAsync(id), HttpStatusCode.NoContent);
        Assert.That(await user.FindAsync(id), Is.Null);
    }

    [Test]
    public async Task WhoMayNot_IsToldByGlance_AndNothingIsReceived()
    {
        using var user = Site.Through(0);
        using var nobody = Site.Through(0, "nobody");
        using var stranger = Site.Through(0, "eve:other:member");
        var mine = await user.CreateAsync("raw");
        var shown = await user.CreateAsync("raw", "bare", new Dictionary<string, string> { ["visibility"] = "community" });
        var before = await ReceivedAsync();

        AssertStatus(await nobody.StageAsync(mine, Noise(MiB)), HttpStatusCode.Unauthorized);
        AssertStatus(await stranger.StageAsync(mine, Noise(MiB)), HttpStatusCode.NotFound);
        AssertStatus(await stranger.StageAsync(shown, Noise(MiB)), HttpStatusCode.Forbidden);
        AssertStatus(await user.StageAsync(Guid.NewGuid().ToString("D"), Noise(MiB)), HttpStatusCode.NotFound);

        Assert.That(await ReceivedAsync(), Is.EqualTo(before));
        Assert.That((await user.GetAsync(mine)).Status, Is.EqualTo("queued"));
    }

    [Test]
    public async Task Image_ThatIsActive_Is409()
    {
        var bytes = Noise(MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        await user.UploadAsync(id, bytes);

        AssertStatus(await user.StageAsync(id, Noise(MiB, 2)), HttpStatusCode.Conflict);

        await AssertBytesAsync(1, id, bytes);
    }

    [Test]
    public async Task SecondUpload_WhileTheFirstIsReceived_Is409()
    {
        var bytes = Noise(8 * MiB);
        using var user = Site.Through(0);
        using var half = await HalfStagedAsync(user, 0, bytes);

        AssertStatus(await user.StageAsync(half.ImageId, Noise(MiB, 2)), HttpStatusCode.Conflict);

        half.GoOn();
        AssertStatus(await half.Answer, HttpStatusCode.NoContent);
        await ImportedAsync(1, half.ImageId);
        await AssertBytesAsync(2, half.ImageId, bytes);
    }

    [Test]
    public async Task MoreThanTheVolumeHolds_Is413_BeforeTheBody()
    {
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        using var client = await RawExchange.OpenAsync(Site.Door(0), Deadline);

        await client.SendAsync(
            $"PUT /v2/images/{id}/stage HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {ImageApi.Member}\r\nExpect: 100-continue\r\n"
            + $"Content-Type: application/octet-stream\r\nContent-Length: {1L << 41}\r\n\r\n");

        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("413"));
        await EndedAsync(1, id, "queued");
    }

    [Test]
    public async Task Content_OtherThanClaimed_IsRefusedWhileItComes()
    {
        var disk = Disk.Create(Site, 2 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");

        var answer = await user.StageAsync(id, [.. await disk.AsAsync("qcow2"), .. new byte[24 * MiB]]);

        AssertStatus(answer, HttpStatusCode.BadRequest);
        Assert.That(answer.Text, Does.Contain("qcow2"));
        await AssertCanBeStagedAsync(id);
    }

    [Test]
    public async Task Upload_ThatWasCutOff_IsToldOfByEachPod_AndGoesOnAtItsOwn()
    {
        var bytes = Noise(4 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        var half = bytes.Length / 2;
        using (var client = await RawExchange.OpenAsync(Site.Door(0), Deadline))
        {
            await client.SendAsync(Head("PUT", id, $"Content-Length: {bytes.Length}\r\nUpload-Complete: ?1\r\n"));
            await client.SendAsync(bytes[..half]);
            await Site.ReceivedAsync(0, id, half);
        }

        await EndedAsync(1, id, "queued");
        var rest = Head("PUT", id, $"Content-Length: {half}\r\nUpload-Complete: ?1\r\nUpload-Offset: {half}\r\n");
        using (var question = await ExchangeAsync(1, Head("HEAD", id)))
        {
            Assert.That(question.Values("Upload-Offset"), Is.EqualTo((string[])[$"{half}"]));
        }

        using (var elsewhere = await ExchangeAsync(1, rest, bytes[half..]))
        {
            Assert.That(elsewhere.FirstLine, Does.Contain(" 503 "));
            Assert.That(elsewhere.Values("Retry-After"), Is.Not.Empty);
            Assert.That(await elsewhere.ReadBodyAsync(), Does.Contain("is on pod glance-0"));
        }

        using var answer = await ExchangeAsync(0, rest, bytes[half..]);
        Assert.That(answer.FirstLine, Does.Contain(" 204 "));
        await ImportedAsync(1, id);
        await AssertBytesAsync(2, id, bytes);
    }

    [Test]
    public async Task Sidecar_KilledInMidStage_ImageIsNeverActive()
    {
        var bytes = Noise(16 * MiB);
        using var user = Site.Through(0);
        using var half = await HalfStagedAsync(user, 0, bytes);

        await Site.Sidecars.KillPodAsync(0);

        half.GoOn();
        await Assert.ThatAsync(async () => await half.Answer, Throws.InstanceOf<HttpRequestException>());
        await Site.StartSidecarAsync(0);
        await EndedAsync(1, half.ImageId, "queued");
        await AssertCanBeStagedAsync(half.ImageId);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Api_KilledInMidStage_ImageIsNeverActive(bool onlyTheWorker)
    {
        var bytes = Noise(16 * MiB);
        using var user = Site.Through(0);
        using var half = await HalfStagedAsync(user, 0, bytes);

        if (onlyTheWorker) Command.Signal("KILL", Site[0].Worker);
        else await Site[0].KillAsync();

        // Else all bytes may be there before the daemon knows of it, and an image that is staged whole stays so.
        await Until.RightAsync(() => ReceivingAsync(half.ImageId), isReceiving => !isReceiving);
        half.GoOn(); // this client looks for an answer when it has sent everything
        AssertStatus(await half.Answer, HttpStatusCode.ServiceUnavailable);
        if (!onlyTheWorker) await Site[0].StartAsync();
        await EndedAsync(1, half.ImageId, "queued");
        await AssertCanBeStagedAsync(half.ImageId);
    }

    [Test]
    public async Task Both_KilledInMidStage_ImageIsNeverActive()
    {
        var bytes = Noise(16 * MiB);
        using var user = Site.Through(0);
        using var half = await HalfStagedAsync(user, 0, bytes);

        await Site[0].KillAsync();
        await Site.Sidecars.KillPodAsync(0);

        half.GoOn();
        await Assert.ThatAsync(async () => await half.Answer, Throws.InstanceOf<HttpRequestException>());
        await Site.StartSidecarAsync(0);
        await Site[0].StartAsync();
        await EndedAsync(1, half.ImageId, "queued");
        await AssertCanBeStagedAsync(half.ImageId);
    }

    private Task<(int ExitCode, string Output)> PutAsync(string file, string id, string token) =>
        Stagectl.PutAsync(file, id, Site.Door(0), token);

    private async Task<RawExchange> ExchangeAsync(int pod, string head, byte[]? body = null)
    {
        var client = await RawExchange.OpenAsync(Site.Door(pod), Deadline);
        await client.SendAsync(head);
        if (body is not null) await client.SendAsync(body);
        return await client.ReadHeadAsync();
    }

    private static string Head(string method, string id, string headers = "") =>
        $"{method} /v2/images/{id}/stage HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {ImageApi.Member}\r\n"
        + $"Content-Type: application/octet-stream\r\n{headers}\r\n";

    private async Task<bool> ReceivingAsync(string id)
    {
        using var call = Site.Sidecars[0].Staging.ListUploads(new ListUploadsRequest());
        return await call.ResponseStream.ReadAllAsync().AnyAsync(
            upload => upload.ImageId == id && upload.State == Upload.Types.State.Receiving);
    }

    private Task<double> ReceivedAsync() =>
        MetricsPage.ReadAsync(Site.Sidecars[0], "glance_staging_upload_received_bytes_total", Deadline);
}
