using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>
/// glance-api as glance-operator runs it: mod_wsgi, two processes a pod, under a user that shares only its group with
/// the sidecar. The processes of a pod share a staging directory and know nothing of each other.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class ApacheTests : GlanceTest
{
    private const int MiB = 1 << 20;

    private static readonly Lazy<Task<Site>> Started =
        new(() => Site.StartAsync(SiteOptions.Chosen with { UnderApache = true }));

    protected override Task<Site> SiteAsync() => Started.Value;

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (Started.IsValueCreated) await (await Started.Value).DisposeAsync();
    }

    [Test]
    public async Task GzippedQcow2_EveryStepOnAnotherPod_IsRawInTheStore()
    {
        var disk = Disk.Create(Site, 8 * MiB);
        var id = await StagedAsync(0, "qcow2", Disk.Gzip(await disk.AsAsync("qcow2")));

        await ImportedAsync(1, id);

        await AssertBytesAsync(2, id, disk.Raw);
        await DeleteAsync(0, id);
    }

    [Test]
    public async Task ManyAtOnce_OnOnePod_AllEndActive()
    {
        var disks = Enumerable.Range(1, 6).Select(seed => Disk.Create(Site, 2 * MiB, seed)).ToList();

        await Task.WhenAll(disks.Select(async disk =>
        {
            var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
            await ImportedAsync(0, id);
            await AssertBytesAsync(1, id, disk.Raw);
        }));
    }

    [Test]
    public async Task WebDownload_IsProcessed()
    {
        var disk = Disk.Create(Site, 2 * MiB);
        using var user = Site.At(0);
        var id = await user.CreateAsync("qcow2");

        AssertStatus(
            await user.DownloadFromAsync(id, Site.Web.Publish("disk.qcow2", await disk.AsAsync("qcow2"))),
            HttpStatusCode.Accepted);

        await ActiveAsync(0, id);
        await AssertBytesAsync(1, id, disk.Raw);
    }

    [Test]
    public async Task Killed_InMidStage_TheImageIsQueuedAgain()
    {
        var bytes = Noise(16 * MiB);
        using var user = Site.At(0);
        using var half = await HalfStagedAsync(user, 0, bytes);
        var id = half.ImageId;

        await Site[0].KillAsync();

        half.GoOn();
        await Assert.ThatAsync(async () => await half.Answer, Throws.InstanceOf<HttpRequestException>());
        await Site[0].StartAsync();
        await EndedAsync(1, id, "queued");
        AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.NoContent);
        await ImportedAsync(2, id);
        await AssertBytesAsync(1, id, bytes);
    }
}
