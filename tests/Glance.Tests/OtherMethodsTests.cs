using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>Imports of bytes that Glance fetches itself.</summary>
internal sealed class OtherMethodsTests : GlanceTest
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
