using System.Net;
using System.Security.Cryptography;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>A one-node Ceph as the default store: what most clouds have. Alone by <c>eng/test-glance --ceph</c>.</summary>
[Category("Ceph")]
internal sealed class CephTests : GlanceTest
{
    private const int MiB = 1 << 20;

    private static readonly Lazy<Task<Site>> Started =
        new(() => Site.StartAsync(SiteOptions.Chosen with { WithCeph = true }));

    protected override Task<Site> SiteAsync() => Started.Value;

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (Started.IsValueCreated) await (await Started.Value).DisposeAsync();
    }

    [Test]
    public async Task GzippedQcow2_EveryStepOnAnotherPod_IsRawInThePool()
    {
        var disk = Disk.Create(Site, 16 * MiB);
        var id = await StagedAsync(0, "qcow2", Disk.Gzip(await disk.AsAsync("qcow2")));

        await ImportedAsync(1, id);

        await AssertBytesAsync(2, id, disk.Raw);
        Assert.That(await Site.Ceph!.RbdAsync("image-meta", "list", id), Does.Contain("glance.sidecar.source"), "the sidecar wrote it");
        using var user = Site.At(2);
        var image = await user.GetAsync(id);
        Assert.That(image.Checksum, Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(disk.Raw))));
        Assert.That(image.HashValue, Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(disk.Raw))));
        Assert.That((image.Size, image.VirtualSize), Is.EqualTo((disk.Raw.LongLength, disk.Raw.LongLength)));
        var export = Path.Combine(Site.Scratch("ceph"), id);
        await Site.Ceph.RbdAsync("export", id, export);
        Assert.That(await File.ReadAllBytesAsync(export), SameBytes.As(disk.Raw));
        File.Delete(export);
        await DeleteAsync(2, id);
        Assert.That(await Site.Ceph.ImagesAsync(), Does.Not.Contain(id));
    }

    [Test]
    public async Task CephAndFiles_BothGetTheImage()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);

        await ImportedAsync(1, id, new ImportTargets { Stores = [Site.Rbd, Site.Slow] });

        Assert.That(await File.ReadAllBytesAsync(Path.Combine(Site.Store(Site.Slow), id)), SameBytes.As(bytes));
        await AssertBytesAsync(2, id, bytes);
    }

    [Test]
    public async Task KilledInTheStoreUpload_LeavesNoPartAndCanBeImportedAgain([Values(0, 1)] int importer)
    {
        var bytes = Noise(256 * MiB);
        var id = await StagedAsync(0, "raw", bytes);
        using var user = Site.At(importer);
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
        // Under the name of a part, as long as it is not whole.
        await Until.RightAsync(Site.Ceph!.ImagesAsync, images => images.Any(name => name.StartsWith(id, StringComparison.Ordinal)));
        Command.Signal("STOP", Site[importer].Worker);
        await Site[importer].KillAsync();
        await Site[importer].StartAsync();

        await EndedAsync(2, id, "uploading");
        Assert.That(
            (await Site.Ceph.ImagesAsync()).Where(name => name.StartsWith(id, StringComparison.Ordinal)), Is.Empty, "the part in the pool");
        await ImportedAsync(2, id);
        await AssertBytesAsync(0, id, bytes);
    }
}
