using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;

namespace Sidecar.Tests.Staging;

[CancelAfter(30_000)]
internal sealed class AdoptionTests
{
    private readonly ImageId _id = ImageId.New();

    [Test]
    public async Task Adopt_FileUnderItsFinalName_StaysWhereItIs()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(1000);
        await File.WriteAllBytesAsync(staging.Layout.ImageFile(_id), content);
        var image = await staging.Area.AdoptAsync(Request(staging.Layout.ImageFile(_id), 1000), default);
        Assert.That(image.Origin, Is.EqualTo(ImageOrigin.Adopted));
        Assert.That(image.Digests["crc32c"], Is.EqualTo(Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, content))));
        staging.Restart();
        Assert.That(staging.Area.GetImage(_id).Size, Is.EqualTo(1000));
    }

    [Test]
    public async Task Adopt_SeveralDigests_AreEachOfAllOfIt()
    {
        using var staging = new StagingFixture(options => options.Digests = ["md5", "sha256", "sha512"]);
        var content = StagingFixture.Content(3_000_000);
        await File.WriteAllBytesAsync(staging.Layout.ImageFile(_id), content);
        var image = await staging.Area.AdoptAsync(Request(staging.Layout.ImageFile(_id), content.Length), default);
        Assert.That(image.Digests, Is.EquivalentTo(new Dictionary<string, string>
        {
            ["crc32c"] = Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, content)),
            ["md5"] = Convert.ToHexStringLower(MD5.HashData(content)),
            ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content)),
            ["sha512"] = Convert.ToHexStringLower(SHA512.HashData(content)),
        }));
    }

    [Test]
    public async Task Adopt_FileUnderAnotherName_IsRenamed()
    {
        using var staging = new StagingFixture();
        var path = Path.Combine(staging.Layout.Directory, "upload.part");
        await File.WriteAllBytesAsync(path, new byte[5]);
        await staging.Area.AdoptAsync(Request(path), default);
        Assert.That(File.Exists(path), Is.False);
        Assert.That(new FileInfo(staging.Layout.ImageFile(_id)).Length, Is.EqualTo(5));
    }

    [Test]
    public async Task Adopt_FileOnAnotherFileSystem_IsCopiedAndRemoved()
    {
        var elsewhere = Directory.CreateDirectory($"/dev/shm/sidecar-test-{_id}").FullName; // tmpfs on any Linux
        try
        {
            using var staging = new StagingFixture(options => options.AdoptDirectories = [elsewhere]);
            var content = StagingFixture.Content(3_000_000);
            await File.WriteAllBytesAsync(Path.Combine(elsewhere, "file"), content);
            await staging.Area.AdoptAsync(Request(Path.Combine(elsewhere, "file")), default);
            Assert.That(await File.ReadAllBytesAsync(staging.Layout.ImageFile(_id)), SameBytes.As(content));
            Assert.That(Directory.EnumerateFiles(elsewhere), Is.Empty);
            Assert.That(Directory.EnumerateFileSystemEntries(staging.Layout.Uploads), Is.Empty);
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Test]
    public async Task Adopt_PathsThatLeadElsewhere_AreRefused()
    {
        using var staging = new StagingFixture();
        var directory = staging.Layout.Directory;
        File.WriteAllText(staging["outside"], "secret");
        File.CreateSymbolicLink(Path.Combine(directory, "link"), staging["outside"]);
        Directory.CreateSymbolicLink(Path.Combine(directory, "directory"), Path.GetDirectoryName(staging["outside"])!);
        string[] paths =
        [
            "relative", staging["outside"], $"{directory}/../outside", $"{directory}/link", $"{directory}/directory/outside",
            $"{directory}/missing", directory, staging.Layout.FormatFile, "/dev/zero",
        ];
        foreach (var path in paths)
        {
            var refusal = (await Assert.ThrowsAsync<StagingException>(() => staging.Area.AdoptAsync(Request(path), default), path))!;
            Assert.That(refusal.Error, Is.EqualTo(StagingError.AdoptRefused), path);
        }

        Assert.That(File.ReadAllText(staging["outside"]), Is.EqualTo("secret"));
    }

    [Test]
    public async Task Adopt_ShorterThanExpected_IsRefusedAndLeftAlone()
    {
        using var staging = new StagingFixture();
        await File.WriteAllBytesAsync(staging.Layout.ImageFile(_id), new byte[10]);
        var refusal = (await Assert.ThrowsAsync<StagingException>(
            () => staging.Area.AdoptAsync(Request(staging.Layout.ImageFile(_id), 11), default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.LengthMismatch));
        Assert.That(File.Exists(staging.Layout.ImageFile(_id)), Is.True);
    }

    [Test]
    public async Task Adopt_FromGlancesOwnDirectory_IsTakenAndTheRestLeftAlone()
    {
        using var staging = new StagingFixture();
        var incoming = Directory.CreateDirectory(Path.Combine(staging.Layout.Directory, ".glance/incoming")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(incoming, $"{_id}"), new byte[5]);
        await File.WriteAllBytesAsync(Path.Combine(incoming, "other"), new byte[7]);
        await staging.Area.AdoptAsync(Request(Path.Combine(incoming, $"{_id}"), 5), default);
        Assert.That(staging.Area.CountUnmanaged(), Is.EqualTo(new UnmanagedFiles(0, 0)));
        await staging.Area.DeleteImageAsync(_id, default);
        staging.Restart();
        Assert.That(Directory.EnumerateFiles(incoming).Select(Path.GetFileName), Is.EqualTo(["other"]));
    }

    [Test]
    public async Task Adopt_FileThatOnlyItsOwnerMayWrite_IsSharedWithTheGroup()
    {
        using var staging = new StagingFixture();
        var path = Path.Combine(staging.Layout.Directory, "upload.part");
        await File.WriteAllBytesAsync(path, new byte[5]);
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        await staging.Area.AdoptAsync(Request(path), default);
        Assert.That(
            File.GetUnixFileMode(staging.Layout.ImageFile(_id)),
            Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite));
    }

    [Test]
    public async Task Adopt_Fifo_IsRefusedAtOnce()
    {
        using var staging = new StagingFixture();
        var path = Path.Combine(staging.Layout.Directory, "fifo");
        using (var make = System.Diagnostics.Process.Start("mkfifo", [path])) make.WaitForExit();
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => staging.Area.AdoptAsync(Request(path), default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.AdoptRefused));
    }

    private AdoptRequest Request(string path, long? size = null) =>
        new(_id, path, size, new Dictionary<string, string>(), "");
}
