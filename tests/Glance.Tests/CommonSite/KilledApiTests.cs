using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>glance-api dies without a word, at each point of an image's way.</summary>
internal sealed class KilledApiTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task InMidStage_ImageIsNeverActive_AndIsStagedAgainAnywhere()
    {
        var bytes = Noise(32 * MiB);
        using var user = Site.At(0);
        using var half = await HalfStagedAsync(user, 0, bytes);
        var id = half.ImageId;

        await Site[0].KillAsync();

        half.GoOn();
        await Assert.ThatAsync(async () => await half.Answer, Throws.InstanceOf<HttpRequestException>());
        using var other = Site.At(1);
        AssertStatus(await other.ImportAsync(id), HttpStatusCode.Conflict);
        await EndedAsync(1, id, "queued");
        AssertStatus(await other.StageAsync(id, bytes), HttpStatusCode.NoContent);
        await ImportedAsync(2, id);
        await AssertBytesAsync(1, id, bytes);
    }

    [Test]
    public async Task InMidStage_AfterItsReturn_TheImageIsQueuedAgain()
    {
        var bytes = Noise(32 * MiB);
        using var user = Site.At(0);
        using var half = await HalfStagedAsync(user, 0, bytes);
        var id = half.ImageId;

        // Only the process that serves: its parent starts another one at once.
        Command.Signal("KILL", Site[0].Worker);

        half.GoOn();
        await Assert.ThatAsync(async () => await half.Answer, Throws.InstanceOf<HttpRequestException>());
        await EndedAsync(1, id, "queued");
        AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.NoContent);
        await ImportedAsync(0, id);
        await AssertBytesAsync(1, id, bytes);
    }

    [Test]
    public async Task BetweenStageAndImport_AnotherPodImports()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);

        await Site[0].KillAsync();

        await ImportedAsync(1, id);
        await AssertBytesAsync(2, id, bytes);
    }

    [Test]
    public async Task InAConversion_CanBeImportedAgainWithoutAnUpload([Values(0, 1)] int importer)
    {
        var disk = Disk.Create(Site, 4 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(importer);
        Site.Tool.HoldNext();
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
        await Site.Tool.HeldAsync();

        await Site[importer].KillAsync();
        await Site.Tool.GoOnAsync();
        await Site[importer].StartAsync();

        await EndedAsync(2, id, "uploading");
        Assert.That(await FailureAsync(2, id), Does.Contain("ended"));
        await ImportedAsync(2, id);
        await AssertBytesAsync(2, id, disk.Raw);
    }

    [Test]
    public async Task InAStoreUpload_LeavesNoPartAndCanBeImportedAgain([Values(0, 1)] int importer)
    {
        var bytes = Noise(96 * MiB);
        var id = await StagedAsync(0, "raw", bytes);
        // Glance itself writes for long enough to be met at it.
        await Site.ReconfigureAsync(importer, ("direct", "off"));
        using var user = Site.At(importer);
        using (var upload = new StoreUpload(Site, importer, Site.Fast, id))
        {
            AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
            await upload.StoppedAsync(Path.Combine(Site.Store(Site.Fast), id), bytes.Length);
        }

        await Site[importer].KillAsync();
        await Site[importer].StartAsync();

        await EndedAsync(2, id, "uploading");
        Assert.That(Directory.EnumerateFiles(Site.Store(Site.Fast)), Is.Empty, "parts in the store");
        await ImportedAsync(2, id);
        await AssertBytesAsync(0, id, bytes);
    }

    [Test]
    public async Task InAWebDownload_TheImageIsQueuedAgain()
    {
        var disk = Disk.Create(Site, 2 * MiB);
        using var user = Site.At(0);
        var id = await user.CreateAsync("qcow2");
        Site.Tool.HoldNext();
        await user.DownloadFromAsync(id, Site.Web.Publish("held.qcow2", await disk.AsAsync("qcow2")));
        await Site.Tool.HeldAsync();

        await Site[0].KillAsync();
        await Site.Tool.GoOnAsync();
        await Site[0].StartAsync();

        await EndedAsync(1, id, "queued");
        await user.DownloadFromAsync(id, new Uri(Site.Web.Address, "held.qcow2"));
        await ActiveAsync(1, id);
        await AssertBytesAsync(1, id, disk.Raw);
    }
}
