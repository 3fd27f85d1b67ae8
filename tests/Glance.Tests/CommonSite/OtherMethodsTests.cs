using System.Collections.Concurrent;
using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>Imports of bytes that Glance fetches itself.</summary>
internal sealed class OtherMethodsTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task WebDownload_OfGzippedQcow2_IsRawInTheStore()
    {
        var disk = Disk.Create(Site, 4 * MiB);
        var source = Site.Web.Publish("disk.qcow2.gz", Disk.Gzip(await disk.AsAsync("qcow2")));
        using var user = Site.At(0);
        var id = await user.CreateAsync("qcow2");

        AssertStatus(await user.DownloadFromAsync(id, source), HttpStatusCode.Accepted);

        var image = await ActiveAsync(1, id);
        Assert.That((image.DiskFormat, image.Size), Is.EqualTo(("raw", (long?)disk.Raw.Length)));
        await AssertBytesAsync(2, id, disk.Raw);
    }

    [Test]
    public async Task WebDownload_OfNothing_LeavesTheImageQueued()
    {
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");

        AssertStatus(await user.DownloadFromAsync(id, new Uri(Site.Web.Address, "nothing")), HttpStatusCode.Accepted);

        await FailureAsync(0, id);
        await EndedAsync(0, id, "queued");
    }

    [Test]
    public async Task WebDownload_OfAnotherFormatThanClaimed_SaysSoAndCanBeTriedAgain()
    {
        var disk = Disk.Create(Site, MiB);
        using var user = Site.At(0);
        var id = await user.CreateAsync("qcow2");

        await user.DownloadFromAsync(id, Site.Web.Publish("disk.vmdk", await disk.AsAsync("vmdk")));

        Assert.That(await FailureAsync(0, id), Does.Contain("vmdk"));
        await EndedAsync(0, id, "queued");
        AssertStatus(await user.StageAsync(id, await disk.AsAsync("qcow2")), HttpStatusCode.NoContent);
        await ImportedAsync(1, id);
    }

    [Test]
    public async Task WebDownload_ServerHasParts_TheSidecarFetchesThem()
    {
        var disk = Noise(10 * MiB);
        var ranges = new ConcurrentQueue<string>();
        var source = Site.Web.Publish("parts", call =>
        {
            ranges.Enqueue(call.Request.Headers.Range.ToString());
            return Results.Bytes(disk, "application/octet-stream", enableRangeProcessing: true, entityTag: new("\"1\"")).ExecuteAsync(call);
        });
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");

        AssertStatus(await user.DownloadFromAsync(id, source), HttpStatusCode.Accepted);

        await ActiveAsync(1, id);
        await AssertBytesAsync(2, id, disk);
        Assert.That(ranges, Has.Some.StartsWith("bytes="));
    }

    [Test]
    public async Task WebDownload_ServerClosesEarly_SaysSoAndStagesNothing()
    {
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");
        var asked = 0;
        var source = Site.Web.Publish("half", async call =>
        {
            call.Response.ContentLength = 2 * MiB;
            await call.Response.Body.WriteAsync(new byte[MiB]);
            await call.Response.Body.FlushAsync();
            // Glance's own connection stays; what the sidecar has asked for is broken off once it has some of it.
            if (Interlocked.Increment(ref asked) == 1) await Task.Delay(Timeout.Infinite, call.RequestAborted);
            await Site.ReceivedAsync(0, id, MiB / 4);
            call.Abort();
        });

        AssertStatus(await user.DownloadFromAsync(id, source), HttpStatusCode.Accepted);

        Assert.That(await FailureAsync(0, id), Does.Contain("before the end of the file"));
        await EndedAsync(0, id, "queued");
    }

    [Test]
    public async Task WebDownload_RedirectedToAForbiddenHost_IsRefused()
    {
        var source = Site.Web.Publish("elsewhere", call =>
        {
            call.Response.Redirect($"http://localhost:{Site.Web.Address.Port}/nothing");
            return Task.CompletedTask;
        });
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");

        AssertStatus(await user.DownloadFromAsync(id, source), HttpStatusCode.Accepted);

        await FailureAsync(0, id);
        await EndedAsync(0, id, "queued");
    }

    [Test]
    public async Task WebDownload_OnlyTheSidecarIsRedirectedToAForbiddenHost_IsRefused()
    {
        var asked = 0;
        var source = Site.Web.Publish("rebound", async call =>
        {
            if (Interlocked.Increment(ref asked) == 1) await call.Response.Body.WriteAsync(new byte[MiB]);
            else call.Response.Redirect($"http://localhost:{Site.Web.Address.Port}/nothing");
        });
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");

        AssertStatus(await user.DownloadFromAsync(id, source), HttpStatusCode.Accepted);

        Assert.That(await FailureAsync(0, id), Does.Contain("a host that is not allowed"));
        await EndedAsync(0, id, "queued");
    }

    [Test]
    public async Task GlanceDownload_OfQcow2_IsRawInTheStore()
    {
        var disk = Disk.Create(Site, 4 * MiB);
        using var user = Site.At(0);
        var source = await user.CreateAsync("qcow2");
        await user.UploadAsync(source, await disk.AsAsync("qcow2"));
        var id = await user.CreateAsync("raw");

        AssertStatus(await user.DownloadFromOtherRegionAsync(id, source), HttpStatusCode.Accepted);

        var image = await ActiveAsync(1, id);
        Assert.That((image.DiskFormat, image.Size), Is.EqualTo(("raw", (long?)disk.Raw.Length)));
        await AssertBytesAsync(2, id, disk.Raw);
    }

    [Test]
    public async Task GlanceDownload_OfNothing_LeavesTheImageQueued()
    {
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");

        AssertStatus(
            await user.DownloadFromOtherRegionAsync(id, Guid.NewGuid().ToString()), HttpStatusCode.Accepted);

        await FailureAsync(0, id);
        await EndedAsync(0, id, "queued");
    }

    [Test]
    public async Task CopyImage_PutsItIntoTheOtherStoreToo()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);
        await ImportedAsync(0, id);
        using var admin = Site.At(1, ImageApi.Admin);

        AssertStatus(await admin.CopyAsync(id, Site.Slow), HttpStatusCode.Accepted);

        await admin.UntilAsync(id, image => image.Stores.Length == 2);
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(Site.Store(Site.Slow), id)), SameBytes.As(bytes));
        await AssertBytesAsync(2, id, bytes);
    }
}
