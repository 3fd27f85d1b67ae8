using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>Imports into more than one store, also when one of them is broken.</summary>
internal sealed class StoresTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task AllStores_GetTheImage()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);

        await ImportedAsync(1, id, new ImportTargets { AllStores = true });

        foreach (var store in (string[])[Site.Fast, Site.Slow]) AssertStored(store, id, bytes);
    }

    [Test]
    public async Task ImageOfAnotherPod_IsStoredWithoutBeingCopied()
    {
        var disk = Disk.Create(Site, 4 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));

        await ImportedAsync(1, id);

        AssertStored(Site.Fast, id, disk.Raw);
        // Glance's log reaches the test by a pipe.
        await Until.TrueAsync(() => Site[1].Log.Any(line =>
            line.Contains(id, StringComparison.Ordinal) && line.Contains("by a hard link", StringComparison.Ordinal)));
    }

    [Test]
    public async Task OneStoreFails_AllMustSucceed_CanBeImportedAgainWithoutAnUpload()
    {
        var disk = Disk.Create(Site, 4 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(1);

        using (Site.BreakStore(Site.Slow))
        {
            AssertStatus(await user.ImportAsync(id, new ImportTargets { AllStores = true }), HttpStatusCode.Accepted);
            await FailureAsync(1, id);
            await EndedAsync(1, id, "uploading");
        }

        await ImportedAsync(2, id, new ImportTargets { AllStores = true });
        foreach (var store in (string[])[Site.Fast, Site.Slow]) AssertStored(store, id, disk.Raw);
    }

    [Test]
    public async Task OneStoreFails_NotAllMustSucceed_IsActiveInTheOther()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);

        using (Site.BreakStore(Site.Slow))
        {
            var image = await ImportedAsync(1, id, new ImportTargets { AllStores = true, AllMustSucceed = false });
            // The first store that succeeds makes it active, while the others are still tried.
            using var user = Site.At(1);
            image = await user.UntilAsync(id, seen => seen.FailedStores.Length > 0);
            Assert.That((image.Stores, image.FailedStores), Is.EqualTo((new[] { Site.Fast }, new[] { Site.Slow })));
        }

        await AssertBytesAsync(2, id, bytes);
    }

    [Test]
    public async Task ReservedStore_AsTarget_IsRefused()
    {
        var id = await StagedAsync(0, "raw", Noise(MiB));
        using var user = Site.At(1);

        var answer = await user.ImportAsync(id, new ImportTargets { Stores = ["os_glance_staging_store"] });

        AssertStatus(answer, HttpStatusCode.BadRequest);
        Assert.That(answer.Text, Does.Contain("os_glance_staging_store"));
        await ImportedAsync(1, id);
    }

    private void AssertStored(string store, string id, byte[] expected) =>
        Assert.That(File.ReadAllBytes(Path.Combine(Site.Store(store), id)), SameBytes.As(expected), store);
}
