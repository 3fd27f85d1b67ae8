using System.Globalization;
using System.Security.Cryptography;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Upgrade;

/// <summary>Today's daemon on a staging directory of an older one: everything in it is still what it was.</summary>
internal sealed class RecordedLayoutTests : ClusterTest
{
    private const string Single = "layout-1-single";
    private const string WithPeers = "layout-1-peers";

    [TestCase(Single)]
    [TestCase(WithPeers)]
    public async Task Images_OfAnOlderVersion_AreStaged(string recorded)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await StartAsync(recorded, directory);

        var noise = await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = Id(1) });
        Assert.That((noise.Size, noise.ProjectId), Is.EqualTo((3000, "project-1")));
        Assert.That(noise.Origin, Is.EqualTo(StagedImage.Types.Origin.Uploaded));
        Assert.That(noise.Digests.Keys, Is.EquivalentTo(["crc32c", "sha256"]));
        var bytes = await ReadAsync(sidecar, Id(1));
        Assert.That(noise.Digests["sha256"], Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(bytes))));
        var adopted = await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = Id(5) });
        Assert.That((adopted.Size, adopted.Origin), Is.EqualTo((1000, StagedImage.Types.Origin.Adopted)));
    }

    [TestCase(Single)]
    [TestCase(WithPeers)]
    public async Task Uploads_OfAnOlderVersion_GoOnAtTheirOffset(string recorded)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await StartAsync(recorded, directory);
        var upload = await sidecar.Staging.GetUploadAsync(new GetUploadRequest { ImageId = Id(3) });
        Assert.That((upload.ReceivedOffset, upload.DeclaredSize), Is.EqualTo((4000, 8000)));
        Assert.That((upload.State, upload.ProjectId), Is.EqualTo((Upload.Types.State.Suspended, "project-1")));

        using var wrong = new StageStream(sidecar.Uploads, Deadline);
        await wrong.HeaderAsync(Id(3), 8000, 4000);
        await wrong.ContentAsync(Content(4000));
        // The digest that its sender expected when it began holds still, and these are other bytes.
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => wrong.FinishAsync(8000)),
            StatusCode.FailedPrecondition, "DIGEST_MISMATCH");

        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(Id(4), null, 2000);
        await stage.ContentAsync(Content(500));
        Assert.That((await stage.FinishAsync(2500)).Size, Is.EqualTo(2500));
    }

    [TestCase(Single)]
    [TestCase(WithPeers)]
    public async Task Imports_OfAnOlderVersion_KeepResultOrReason(string recorded)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await StartAsync(recorded, directory);

        var succeeded = await sidecar.Imports.GetImportAsync(new GetImportRequest { ImportId = Id(11) });
        Assert.That(succeeded.State, Is.EqualTo(ImportMessage.Types.State.Succeeded), succeeded.ToString());
        Assert.That((succeeded.Result.DiskFormat, succeeded.Result.Size), Is.EqualTo(("raw", 1 << 20)));
        var output = await ReadAsync(sidecar, Id(2), Id(11));
        Assert.That(succeeded.Result.Digests["sha512"], Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(output))));

        // Asked for again as its caller asked, it attaches instead of running a second time.
        var request = new RunImportRequest
        {
            ImageId = Id(2), ImportId = Id(11), DiskFormat = "qcow2", OutputDiskFormat = "raw",
            Stages = { "image_conversion" }, UserRoles = { "member" },
        };
        var events = await RunAsync(sidecar, request);
        Assert.That(events[^1].FinishedAt, Is.EqualTo(succeeded.FinishedAt));

        var refused = await sidecar.Imports.GetImportAsync(new GetImportRequest { ImportId = Id(12) });
        Assert.That(refused.State, Is.EqualTo(ImportMessage.Types.State.Failed));
        Assert.That(refused.Failure.Reason, Is.EqualTo("FORMAT_MISMATCH"));
        var release = new ReleaseImportRequest { ImportId = Id(11) };
        Assert.That((await sidecar.Imports.ReleaseImportAsync(release)).FreedBytes, Is.Positive);
    }

    [Test]
    public async Task PeersAndDeletions_OfAnOlderVersion_AreNotForgotten()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await StartAsync(WithPeers, directory);
        Assert.That(await MetricAsync(sidecar, "glance_staging_tombstones"), Is.EqualTo(1));
        foreach (var (image, size) in new[] { (6, 2500UL), (7, 0UL) })
        {
            var given = await sidecar.Staging.GetImageAsync(new GetImageRequest { ImageId = Id(image) });
            Assert.That(given.Origin, Is.EqualTo(StagedImage.Types.Origin.HandedOver));
            if (size > 0) Assert.That(given.Size, Is.EqualTo(size));
        }

        Assert.That(Directory.Exists(Path.Combine(directory.Staging, ".sidecar", "outputs", Id(13))), Is.True);
    }

    private static string Id(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"00000000-0000-4000-8000-{number:D12}");

    private static Task<SidecarInstance> StartAsync(string recorded, TestDirectory directory)
    {
        RecordedLayout.Lay(recorded, directory);
        return SidecarInstance.StartAsync(directory.Path, RecordedLayout.Settings);
    }
}
