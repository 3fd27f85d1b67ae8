using System.Globalization;
using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Glance.Tests;

/// <summary>
/// Uploads that Apache with mod_wsgi hands to the sidecar, configured by what stands in the chart's README; everything else goes
/// through mod_wsgi as it does without.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class HttpdIngestTests : IngestTest
{
    private static readonly byte[] Five = "bytes"u8.ToArray();

    private static readonly Lazy<Task<Site>> Started =
        new(() => Site.StartAsync(SiteOptions.Chosen with { UnderApache = true, UploadsByApache = true }));

    // Not the last one, which is the impatient.
    protected override int Reader => 0;

    protected override Task<Site> SiteAsync() => Started.Value;

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (Started.IsValueCreated) await (await Started.Value).DisposeAsync();
    }

    [Test]
    public async Task EverythingElse_GoesByPython()
    {
        var bytes = Noise(3 * MiB);
        using var user = Site.Through(0);
        var before = await AllAsync();

        var id = await user.CreateAsync("raw");
        await user.UploadAsync(id, bytes);
        Assert.That(await user.ReadAsync(id), SameBytes.As(bytes));
        AssertStatus(await user.DeleteAsync(id), HttpStatusCode.NoContent);

        Assert.That(await AllAsync(), Is.EqualTo(before), "requests that came to the sidecar");
    }

    [Test]
    public async Task WhoMayNot_IsToldByGlance_BeforeTheBody()
    {
        using var user = Site.Through(0);
        using var busy = await HalfStagedAsync(user, 0, Noise(8 * MiB));
        var id = await user.CreateAsync("raw");
        var before = await CountAsync("not_wanted");

        Assert.That(await AskedAsync(id, "nobody"), Does.Contain(" 401 "));
        Assert.That(await AskedAsync(id, "eve:other:member"), Does.Contain(" 404 "));
        Assert.That(await AskedAsync(Guid.NewGuid().ToString("D")), Does.Contain(" 404 "));
        Assert.That(await AskedAsync(busy.ImageId), Does.Contain(" 409 "));
        Assert.That(await AskedAsync(id, length: 1L << 41), Does.Contain(" 413 "));

        await CountedAsync("not_wanted", before + 5);
        busy.GoOn();
        AssertStatus(await busy.Answer, HttpStatusCode.NoContent);
    }

    [Test]
    public async Task WhoMay_AndAsks_IsToldToSend()
    {
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        using var client = await RawExchange.OpenAsync(Site.Door(0), Deadline);

        await client.SendAsync(Head("PUT", $"/v2/images/{id}/stage", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain(" 100 "));
        await client.SendAsync(Five);

        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain(" 204 "));
        Assert.That((await user.GetAsync(id)).Status, Is.EqualTo("uploading"));
    }

    [Test]
    public async Task Content_OtherThanClaimed_IsRefusedWhileItComes()
    {
        var disk = Disk.Create(Site, 2 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");

        // More than is thrown away for clients that come by themselves.
        var answer = await user.StageAsync(id, [.. await disk.AsAsync("qcow2"), .. new byte[150 * MiB]]);

        AssertStatus(answer, HttpStatusCode.BadRequest);
        Assert.That(answer.Text, Does.Contain("qcow2"));
        await AssertCanBeStagedAsync(id);
    }

    [Test]
    public async Task Upload_ThatWasCutOff_GoesOnWhereItWas()
    {
        var bytes = Noise(8 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        var path = $"/v2/images/{id}/stage";
        using (var client = await RawExchange.OpenAsync(Site.Door(0), Deadline))
        {
            await client.SendAsync(Head("PUT", path, $"Content-Length: {bytes.Length}\r\nUpload-Complete: ?1\r\n"));
            await client.SendAsync(bytes[..(bytes.Length / 2)]);
            await Site.ReceivedAsync(0, id, bytes.Length / 4);
        }

        await EndedAsync(1, id, "queued");
        var question = await ExchangeAsync(Head("HEAD", path));
        var offset = int.Parse(question.Values("Upload-Offset").Single(), CultureInfo.InvariantCulture);

        Assert.That(question.FirstLine, Does.Contain(" 204 "));
        Assert.That(offset, Is.InRange(bytes.Length / 4, bytes.Length / 2));
        var answer = await ExchangeAsync(
            Head("PUT", path, $"Content-Length: {bytes.Length - offset}\r\nUpload-Complete: ?1\r\nUpload-Offset: {offset}\r\n"), bytes[offset..]);
        Assert.That(answer.FirstLine, Does.Contain(" 204 "));
        await ImportedAsync(1, id);
        await AssertBytesAsync(1, id, bytes);
    }

    [Test]
    public async Task Stagectl_WhoseSidecarIsKilledMeanwhile_GoesOnWhereItWas()
    {
        var bytes = Noise(8 * MiB);
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        await using var put = Stagectl.StartPut(id, Site.Door(0), ImageApi.Member);
        await put.Input.WriteAsync(bytes.AsMemory(0, bytes.Length / 2), Deadline);
        await Site.ReceivedAsync(0, id, bytes.Length / 4);

        await Site.Sidecars.KillPodAsync(0);
        await Site.StartSidecarAsync(0);
        await put.Input.WriteAsync(bytes.AsMemory(bytes.Length / 2), Deadline);
        put.Input.Close();

        var (exitCode, output) = await put.EndAsync(Deadline);
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output, Does.Match("Going on with the upload of image .* at [1-9]"));
        await ImportedAsync(1, id);
        await AssertBytesAsync(1, id, bytes);
    }

    [TestCase("/v2/images/{0}/%73tage", "staged")]
    [TestCase("/v2//images/./{0}/x/../stage", "staged")]
    [TestCase("/v2/images/{0}/stage?a=b", "passed")]
    public async Task Path_ThatIsSpelledOtherwise_IsJudgedByGlanceAsWell(string path, string outcome)
    {
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        var target = string.Format(CultureInfo.InvariantCulture, path, id);

        var refused = await ExchangeAsync(Head("PUT", target, "Content-Length: 5\r\n", "nobody"), Five);
        var before = await CountAsync(outcome);
        var taken = await ExchangeAsync(Head("PUT", target, "Content-Length: 5\r\nX-Staging-Sidecar-Ticket: 00\r\n"), Five);

        Assert.That((refused.FirstLine, taken.FirstLine), Is.EqualTo(("HTTP/1.1 401 Unauthorized", "HTTP/1.1 204 No Content")));
        await CountedAsync(outcome, before + 1);
        Assert.That((await user.GetAsync(id)).Status, Is.EqualTo("uploading"));
    }

    [TestCase("/v2/images/{0}%2Fstage")]
    [TestCase("/v2%2Fimages%2F{0}%2Fstage")]
    [TestCase("/v2/images/{0}/stage/")]
    public async Task Path_ThatIsNone_IsNotFound(string path)
    {
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        var before = await AllAsync();

        var answer = await ExchangeAsync(
            Head("PUT", string.Format(CultureInfo.InvariantCulture, path, id), "Content-Length: 5\r\n"), Five);

        Assert.That(answer.FirstLine, Does.Contain(" 404 "));
        Assert.That(await AllAsync(), Is.EqualTo(before), "requests that came to the sidecar");
        Assert.That((await user.GetAsync(id)).Status, Is.EqualTo("queued"));
    }

    [Test]
    public async Task Upload_ThatTakesLongerThanHttpdsTimeout_IsStaged()
    {
        var bytes = Noise(2 * MiB);
        using var creator = Site.At(0);
        var id = await creator.CreateAsync("raw");
        var patience = new TaskCompletionSource();
        using var user = Site.Through(Site.ImpatientPod);
        using var content = new TricklingContent(bytes, bytes.Length / 2, patience.Task);
        var stage = user.StageAsync(id, content);
        await Site.ReceivedAsync(Site.ImpatientPod, id, bytes.Length / 4);

        // Since before this connection is opened, Glance has said nothing of the upload; this one, too, is silent until it is ended.
        using (var silent = await RawExchange.OpenAsync(Site.Door(Site.ImpatientPod), Deadline))
        {
            await silent.SendAsync(Head("PUT", $"/v2/images/{id}/file", "Content-Length: 5\r\n"));
            await silent.HungUpAsync();
        }

        patience.SetResult();
        AssertStatus(await stage, HttpStatusCode.NoContent);
        await ImportedAsync(1, id);
        await AssertBytesAsync(0, id, bytes);
    }

    [Test]
    public async Task Sidecar_IsAway_OnlyUploadsAreRefused()
    {
        using var user = Site.Through(0);
        var id = await user.CreateAsync("raw");
        await Site.Sidecars.KillPodAsync(0);

        AssertStatus(await user.StageAsync(id, Noise(MiB)), HttpStatusCode.ServiceUnavailable);
        Assert.That((await user.GetAsync(id)).Status, Is.EqualTo("queued"));

        await Site.StartSidecarAsync(0);
        await AssertCanBeStagedAsync(id);
    }

    [Test]
    public async Task Apache_KilledInMidStage_TheImageIsQueuedAgain()
    {
        var bytes = Noise(16 * MiB);
        using var user = Site.Through(0);
        using var half = await HalfStagedAsync(user, 0, bytes);

        await Site[0].KillAsync();

        half.GoOn();
        await Assert.ThatAsync(async () => await half.Answer, Throws.InstanceOf<HttpRequestException>());
        await Site[0].StartAsync();
        await EndedAsync(1, half.ImageId, "queued");
        await AssertCanBeStagedAsync(half.ImageId);
    }

    // What somebody is answered who asks whether to send.
    private async Task<string> AskedAsync(string id, string token = ImageApi.Member, long length = 5) => (await ExchangeAsync(
        Head("PUT", $"/v2/images/{id}/stage", $"Content-Length: {length}\r\nExpect: 100-continue\r\n", token))).FirstLine;

    private async Task<RawExchange> ExchangeAsync(string head, byte[]? body = null)
    {
        using var client = await RawExchange.OpenAsync(Site.Door(0), Deadline);
        await client.SendAsync(head);
        if (body is not null) await client.SendAsync(body);
        return await client.ReadHeadAsync();
    }

    private static string Head(string method, string target, string headers = "", string token = ImageApi.Member) =>
        $"{method} {target} HTTP/1.1\r\nHost: images\r\nX-Auth-Token: {token}\r\nContent-Type: application/octet-stream\r\n{headers}\r\n";

    private async Task<double> AllAsync()
    {
        var all = 0.0;
        foreach (var outcome in (string[])["passed", "staged", "not_wanted", "not_staged", "refused", "upstream_failed", "hung_up"])
            all += await CountAsync(outcome);
        return all;
    }
}
