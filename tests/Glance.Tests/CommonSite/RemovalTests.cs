using Glance.Tests.Harness;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>The sidecar is taken away again: what was staged through it is Glance's own.</summary>
internal sealed class RemovalTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task StagedImages_AreImportedAndDeletedByGlanceAlone()
    {
        var bytes = Noise(3 * MiB);
        var disk = Disk.Create(Site, 4 * MiB);
        var raw = await StagedAsync(0, "raw", bytes);
        var qcow2 = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        var unwanted = await StagedAsync(0, "raw", bytes);

        await Site.RemoveSidecarAsync(0);

        await ImportedAsync(0, raw);
        await ImportedAsync(0, qcow2);
        await DeleteAsync(0, unwanted);
        await AssertBytesAsync(0, raw, bytes);
        await AssertBytesAsync(0, qcow2, disk.Raw);
        Assert.That(Directory.EnumerateFileSystemEntries(Site.Staging(0)), Is.Empty, "nothing is left staged");
    }

    [Test]
    public async Task Sidecar_ThatComesBack_TakesUpWhatGlanceAloneStaged()
    {
        var bytes = Noise(3 * MiB);
        await Site.RemoveSidecarAsync(0);
        var id = await StagedAsync(0, "raw", bytes);

        await Site.RestoreAsync();

        await ImportedAsync(0, id);
        await AssertBytesAsync(1, id, bytes);
    }

    protected override async Task<Site> SiteAsync()
    {
        if (!SiteOptions.Chosen.WithSidecar) Assert.Ignore("There is no sidecar to remove.");
        return await base.SiteAsync();
    }
}
