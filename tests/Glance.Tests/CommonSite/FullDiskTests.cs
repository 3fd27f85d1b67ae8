using System.Globalization;
using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>The last pod's volume is small: what does not fit is refused before it fills the disk for everybody.</summary>
internal sealed class FullDiskTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    private const int Small = Site.Pods - 1;

    [Test]
    public async Task Stage_LargerThanTheVolume_IsRefusedBeforeItsBytes()
    {
        using var user = Site.At(Small);
        var id = await user.CreateAsync("raw");
        using var content = new UndeclaredContent(Noise(MiB));
        content.Headers.Add("x-openstack-image-size", Site.SmallVolume.ToString(CultureInfo.InvariantCulture));

        AssertStatus(await user.StageAsync(id, content), HttpStatusCode.RequestEntityTooLarge);

        await EndedAsync(0, id, "queued");
    }

    [Test]
    public async Task Stage_LargerThanWhatIsLeft_SaysWhenToRetry()
    {
        using var user = Site.At(Small);
        var id = await user.CreateAsync("raw");
        var bytes = Noise(64 * MiB);

        using (Ballast.Fill(Site.Home(Small), leave: 100L * MiB))
        {
            var answer = await user.StageAsync(id, bytes);
            AssertStatus(answer, HttpStatusCode.ServiceUnavailable);
            Assert.That(answer.RetryAfter, Is.Not.Null, "Retry-After");
            await EndedAsync(0, id, "queued");
        }

        AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.NoContent);
        await ImportedAsync(0, id);
    }

    [Test]
    public async Task Stage_OfUnknownLength_EndsWhenTheVolumeIsFull()
    {
        using var user = Site.At(Small);
        var id = await user.CreateAsync("raw");
        using var content = new UndeclaredContent(new byte[(int)Site.SmallVolume]);

        try
        {
            var answer = await user.StageAsync(id, content);
            Assert.That(answer.Status, Is.AnyOf(HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.ServiceUnavailable), answer.Text);
        }
        catch (HttpRequestException closed) when (closed.InnerException is IOException)
        {
            // Newer gunicorns close the connection with the answer, which a client that still sends may never see.
            Assert.That(await Gunicorn.VersionAsync(), Is.GreaterThanOrEqualTo(new Version(24, 0)), closed.Message);
        }

        await EndedAsync(0, id, "queued");
        var left = new DriveInfo(Site.Staging(Small)).AvailableFreeSpace;
        Assert.That(left, Is.GreaterThan(Site.SmallVolume * 9 / 10), "what was written is given back");
    }

    [Test]
    public async Task Conversion_ThatDoesNotFit_FailsWithAReason_AndWorksWhenThereIsRoom()
    {
        var disk = Disk.Create(Site, 64 * MiB);
        var id = await StagedAsync(Small, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(Small);

        using (Ballast.Fill(Site.Home(Small), leave: 100L * MiB))
        {
            AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
            Assert.That(await FailureAsync(Small, id), Does.Contain("room"));
            await EndedAsync(Small, id, "uploading");
        }

        await ImportedAsync(Small, id);
        await AssertBytesAsync(0, id, disk.Raw);
    }

    [Test]
    public async Task Conversion_ThatWaitsForRoom_GoesOnWhenThereIsSome()
    {
        var disk = Disk.Create(Site, 64 * MiB);
        var id = await StagedAsync(Small, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(Small);

        using (Ballast.Fill(Site.Home(Small), leave: 100L * MiB))
        {
            AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
            await Until.RightAsync(
                () => user.TasksAsync(id), tasks => tasks[^1].Message.Contains("space", StringComparison.Ordinal));
        }

        await ActiveAsync(0, id);
        await AssertBytesAsync(0, id, disk.Raw);
    }
}
