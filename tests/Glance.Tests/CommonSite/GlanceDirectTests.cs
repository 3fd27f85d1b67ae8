using System.Net;
using System.Security.Cryptography;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>Images that their users upload: staged on one pod, imported by whichever pod is asked.</summary>
internal sealed class GlanceDirectTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task Raw_EveryStepOnAnotherPod_KeepsItsBytes()
    {
        var bytes = Noise(5 * MiB + 123);
        var id = await StagedAsync(0, "raw", bytes);

        var image = await ImportedAsync(1, id);

        Assert.That((image.Size, image.DiskFormat), Is.EqualTo(((long?)bytes.Length, "raw")));
        Assert.That(image.Checksum, Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(bytes))));
        Assert.That(image.HashValue, Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(bytes))));
        await AssertBytesAsync(2, id, bytes);
        await DeleteAsync(2, id);
    }

    [Test]
    public async Task GzippedQcow2_ImportedThrough_IsRawInTheStore([Values(0, 1)] int pod)
    {
        var disk = Disk.Create(Site, 8 * MiB);
        var id = await StagedAsync(0, "qcow2", Disk.Gzip(await disk.AsAsync("qcow2")));

        var image = await ImportedAsync(pod, id);

        Assert.That((image.DiskFormat, image.ContainerFormat), Is.EqualTo(("raw", "bare")));
        Assert.That((image.Size, image.VirtualSize), Is.EqualTo(((long?)disk.Raw.Length, (long?)disk.Raw.Length)));
        await AssertBytesAsync(2, id, disk.Raw);
    }

    [Test]
    public async Task Metadata_IsInjectedForMembersOnly()
    {
        var members = await StagedAsync(0, "raw", Noise(MiB));
        var admins = await StagedAsync(0, "raw", Noise(MiB), ImageApi.Admin);
        using var admin = Site.At(0, ImageApi.Admin);

        var image = await ImportedAsync(1, members);
        AssertStatus(await admin.ImportAsync(admins), HttpStatusCode.Accepted);
        var left = await ActiveAsync(0, admins);

        Assert.That(image.Text(Site.InjectedProperty), Is.EqualTo("suite"));
        Assert.That(left.Text(Site.InjectedProperty), Is.Null);
    }

    [Test]
    public async Task LoadBalancer_WithoutAnyAffinity_ServesEveryStep()
    {
        using var user = Site.Anywhere();
        for (var round = 0; round < 4; round++)
        {
            var bytes = Noise(2 * MiB, round);
            var id = await user.CreateAsync("raw");
            AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.NoContent);
            AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
            await user.UntilAsync(id, image => image.Status == "active");
            Assert.That(await user.ReadAsync(id), SameBytes.As(bytes));
            AssertStatus(await user.DeleteAsync(id), HttpStatusCode.NoContent);
        }
    }

    [Test]
    public async Task Deleted_BeforeItIsImported_LeavesNothingOnItsOwner()
    {
        var id = await StagedAsync(0, "raw", Noise(MiB));

        await DeleteAsync(1, id);
    }
}
