using System.IO.Compression;
using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>What users send by mistake or malice: refused with a reason, and the image can be staged again.</summary>
internal sealed class RefusedTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [TestCase("qcow2", "raw")]
    [TestCase("vmdk", "qcow2")]
    [TestCase("raw", "qcow2")]
    public async Task Format_OtherThanClaimed_IsRefusedAtTheStage(string content, string claimed)
    {
        var disk = Disk.Create(Site, 2 * MiB);
        using var user = Site.At(0);
        var id = await user.CreateAsync(claimed);

        var answer = await user.StageAsync(id, content == "raw" ? disk.Raw : await disk.AsAsync(content));

        AssertStatus(answer, HttpStatusCode.BadRequest);
        Assert.That(answer.Text, Does.Contain(claimed).And.Contain(content));
        await AssertCanBeStagedAsync(id, await disk.AsAsync(claimed));
    }

    [Test]
    public async Task BackingFile_IsRefusedAtTheStage()
    {
        var directory = Site.Scratch("backing");
        var (secret, image) = (Path.Combine(directory, "secret.raw"), Path.Combine(directory, "image.qcow2"));
        await File.WriteAllBytesAsync(secret, Noise(MiB));
        await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", secret, image]);
        using var user = Site.At(0);
        var id = await user.CreateAsync("qcow2");

        var answer = await user.StageAsync(id, await File.ReadAllBytesAsync(image));

        AssertStatus(answer, HttpStatusCode.BadRequest);
        Assert.That(answer.Text, Does.Contain("backing"));
        await EndedAsync(0, id, "queued");
    }

    [Test]
    public async Task Bomb_IsRefusedByItsImport_AndItsBytesAreGone()
    {
        var bomb = Disk.Gzip(new byte[256 * MiB], CompressionLevel.SmallestSize);
        var id = await StagedAsync(0, "raw", bomb);
        using var user = Site.At(1);

        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);

        Assert.That(await FailureAsync(1, id), Does.Contain("expand"));
        await EndedAsync(1, id, "queued");
        await AssertCanBeStagedAsync(id, Noise(MiB));
    }

    [Test]
    public async Task HungUp_InMidStage_CanBeStagedAgain()
    {
        var bytes = Noise(16 * MiB);
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");
        using var half = new StalledContent(bytes, bytes.Length / 2);
        using var hangUp = new CancellationTokenSource();
        var stage = user.StageAsync(id, half, hangUp.Token);
        await Site.ReceivedAsync(0, id, bytes.Length / 4);

        await hangUp.CancelAsync();

        await Assert.ThatAsync(async () => await stage, Throws.InstanceOf<OperationCanceledException>());
        await EndedAsync(1, id, "queued");
        await AssertCanBeStagedAsync(id, bytes);
    }

    [Test]
    public async Task DeclaredSize_OtherThanSent_IsRefused()
    {
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");
        using var content = new ByteArrayContent(Noise(MiB));
        content.Headers.Add("x-openstack-image-size", "2097152");

        AssertStatus(await user.StageAsync(id, content), HttpStatusCode.BadRequest);

        await EndedAsync(0, id, "queued");
    }

    [Test]
    public async Task Import_WithoutStagedBytes_IsRefused()
    {
        using var user = Site.At(0);
        var id = await user.CreateAsync("raw");

        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Conflict);
    }

    [Test]
    public async Task Import_WhileItIsStillBeingStaged_IsRefused()
    {
        var bytes = Noise(8 * MiB);
        using var user = Site.At(0);
        using var half = await HalfStagedAsync(user, 0, bytes);
        var id = half.ImageId;
        using var other = Site.At(1);

        var import = await other.ImportAsync(id);
        var again = await other.StageAsync(id, bytes);

        AssertStatus(import, HttpStatusCode.Conflict);
        AssertStatus(again, HttpStatusCode.Conflict);
        half.GoOn();
        AssertStatus(await half.Answer, HttpStatusCode.NoContent);
        await ImportedAsync(1, id);
        await AssertBytesAsync(1, id, bytes);
    }

    [Test]
    public async Task StagedBytesLost_ImportSaysSo_AndItCanBeStagedAgain()
    {
        var bytes = Noise(MiB);
        var id = await StagedAsync(0, "raw", bytes);
        await Site.Sidecars[0].Staging.DeleteImageAsync(new Sidecar.V1.DeleteImageRequest { ImageId = id });
        using var user = Site.At(1);

        var answer = await user.ImportAsync(id);

        AssertStatus(answer, HttpStatusCode.Conflict);
        Assert.That(answer.Text, Does.Contain("3 pods"));
        await AssertCanBeStagedAsync(id, bytes);
    }

    private async Task AssertCanBeStagedAsync(string id, byte[] bytes)
    {
        using var user = Site.At(2);
        AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.NoContent);
        await ImportedAsync(1, id);
    }
}
