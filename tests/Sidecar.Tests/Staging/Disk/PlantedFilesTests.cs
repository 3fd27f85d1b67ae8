using NUnit.Framework;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Staging.Disk;

/// <summary>Staged files that were replaced by something else while the daemon runs, and files that may not be adopted.</summary>
[CancelAfter(30_000)]
internal sealed class PlantedFilesTests
{
    private readonly ImageId _id = ImageId.New();

    [Test]
    public async Task Delete_WhatIsNoFileAnyMore_RemovesWhatIsThere()
    {
        foreach (var kind in Planted.Kinds)
        {
            using var staging = new StagingFixture();
            await staging.StageAsync(_id, StagingFixture.Content(100));
            Planted.At(staging.Layout.ImageFile(_id), kind);
            var outcome = await staging.Area.DeleteImageAsync(_id, default);
            Assert.That(outcome.Existed, Is.True, kind);
            Assert.That(Posix.TryStatus(staging.Layout.ImageFile(_id)), Is.Null, kind);
            staging.Restart();
            Assert.That(staging.Area.ListImages(), Is.Empty, kind);
        }
    }

    [Test]
    public async Task Restart_WhenTheFileWasReplaced_DoesNotListTheImage()
    {
        foreach (var kind in Planted.Kinds)
        {
            using var staging = new StagingFixture();
            // As long as the target and as the link, so that no length gives the link away.
            await staging.StageAsync(_id, StagingFixture.Content("secret".Length));
            Planted.At(staging.Layout.ImageFile(_id), kind);
            staging.Restart();
            Assert.That(staging.Area.ListImages(), Is.Empty, kind);
        }
    }

    [Test]
    public async Task Adopt_WhatIsNoRegularFile_IsRefused()
    {
        using var staging = new StagingFixture(options => options.AdoptDirectories = ["/dev"]);
        var path = Path.Combine(staging.Layout.Directory, "planted");
        foreach (var kind in Planted.Kinds)
        {
            Planted.At(path, kind);
            await AssertRefusedAsync(staging, path, kind);
        }

        await AssertRefusedAsync(staging, "/dev/null", "device");
        await AssertRefusedAsync(staging, staging.Layout.Directory + "/a\0b", "NUL");
        await AssertRefusedAsync(staging, staging.Layout.Directory + "/" + new string('n', 300), "long name");
    }

    [Test]
    public async Task Adopt_FileWithASecondName_IsRefusedAndLeftAlone()
    {
        using var staging = new StagingFixture();
        var path = Path.Combine(staging.Layout.Directory, "upload.part");
        File.WriteAllText(staging["outside"], "content");
        using (var link = System.Diagnostics.Process.Start("ln", [staging["outside"], path])) link.WaitForExit();
        await AssertRefusedAsync(staging, path, "hard link");
        Assert.That(File.ReadAllText(path), Is.EqualTo("content"));
    }

    [Test]
    public async Task Adopt_FileThatIsReplacedMeanwhile_IsRefusedAndTheNewOneGoesBack()
    {
        using var staging = new StagingFixture();
        foreach (var path in new[] { Path.Combine(staging.Layout.Directory, "upload.part"), staging.Layout.ImageFile(_id) })
        {
            await File.WriteAllTextAsync(path, "digested");
            // It is judged when it is open, and before it is renamed.
            staging.Validate = (_, _, _, _) =>
            {
                File.WriteAllText(path + ".new", "replaced");
                File.Move(path + ".new", path, overwrite: true);
                return ImageValidation.Nothing;
            };
            await AssertRefusedAsync(staging, path, "replaced");
            Assert.That(File.ReadAllText(path), Is.EqualTo("replaced"));
            Assert.That(Directory.EnumerateFiles(staging.Layout.Images), Is.Empty);
            File.Delete(path);
        }
    }

    private async Task AssertRefusedAsync(StagingFixture staging, string path, string what)
    {
        var request = new AdoptRequest(
            _id, path, null, new Dictionary<string, string>(), "", Claim: new ImageClaim("raw", "bare"));
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => staging.Area.AdoptAsync(request, default), what))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.AdoptRefused), what);
        Assert.That(staging.Area.ListImages(), Is.Empty, what);
    }
}
