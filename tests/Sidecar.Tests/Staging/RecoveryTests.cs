using System.Buffers;
using System.Text.Json;
using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;
using Sidecar.Staging.Uploads;

namespace Sidecar.Tests.Staging;

/// <summary>What an earlier process can leave, and what becomes of it.</summary>
[CancelAfter(30_000)]
internal sealed class RecoveryTests
{
    private readonly ImageId _id = ImageId.New();

    [Test]
    public async Task Restart_StagedImage_IsStagedStill()
    {
        using var staging = new StagingFixture();
        var before = await staging.StageAsync(_id, StagingFixture.Content(1000));
        staging.Restart();
        var after = staging.Area.GetImage(_id);
        Assert.That(after with { Digests = before.Digests }, Is.EqualTo(before));
        Assert.That(after.Digests, Is.EqualTo(before.Digests));
    }

    [Test]
    public async Task Restart_Upload_GoesOnAtItsReceivedOffset()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(3_000_000);
        await staging.UploadAsync(_id, content[..2_000_000]);
        staging.Restart();
        Assert.That(staging.Area.GetUpload(_id).ReceivedOffset, Is.EqualTo(2_000_000));
        await ContinueAndCompare(staging, content, 2_000_000);
    }

    [Test]
    public async Task Restart_KilledBehindTheDurablePoint_KeepsTheTailInTheSameBoot()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(3_000_000);
        await staging.UploadAsync(_id, content[..1_000_000]);
        staging.Area.Dispose();
        // A killed process leaves bytes behind its last durable point; the kernel has them, and those of a chunk in part.
        Append(staging, content[1_000_000..1_500_000]);
        Note(staging, content.AsSpan(0, 1_500_000));
        Append(staging, new byte[77]);
        staging.Restart();
        var upload = staging.Area.GetUpload(_id);
        Assert.That((upload.ReceivedOffset, upload.DurableOffset), Is.EqualTo((1_500_000, 1_000_000)));
        await ContinueAndCompare(staging, content, 1_500_000);
    }

    [Test]
    public async Task Restart_TailThatIsNotWhatWasReceived_GoesBackToTheDurablePoint()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(3_000_000);
        await staging.UploadAsync(_id, content[..1_000_000]);
        staging.Area.Dispose();
        // An fsync failed, nothing could note it, and the page is read from the disk again.
        Append(staging, new byte[500_000]);
        Note(staging, content.AsSpan(0, 1_500_000));
        staging.Restart();
        var refusal = (await Assert.ThrowsAsync<StagingException>(
            () => staging.Area.BeginUploadAsync(staging.Header(_id), 1_500_000, default)))!;
        Assert.That((refusal.Error, refusal.Facts["offset"]), Is.EqualTo((StagingError.OffsetMismatch, "1000000")));
        await ContinueAndCompare(staging, content, 1_000_000);
    }

    [Test]
    public async Task Restart_TailOfWhichNothingWasNoted_CountsForNothing()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(2_000_000);
        await staging.UploadAsync(_id, content[..1_000_000]);
        staging.Area.Dispose();
        Append(staging, new byte[500_000]);
        staging.Restart();
        Assert.That(staging.Area.GetUpload(_id).ReceivedOffset, Is.EqualTo(1_000_000));
        await ContinueAndCompare(staging, content, 1_000_000);
    }

    [Test]
    public async Task Restart_InTheSameBootWithBytesChanged_ReportsTheUploadLost()
    {
        using var staging = new StagingFixture();
        await staging.UploadAsync(_id, StagingFixture.Content(1_000_000));
        staging.Area.Dispose();
        Overwrite(staging);
        staging.Restart();
        var refusal = (await Assert.ThrowsAsync<StagingException>(
            () => staging.Area.BeginUploadAsync(staging.Header(_id), 1_000_000, default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.DiskFailed));
        Assert.That(staging.Area.GetUpload(_id).State, Is.EqualTo(UploadState.Failed));
    }

    [Test]
    public async Task Restart_InAnotherBoot_GoesBackToTheDurablePoint()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(3_000_000);
        await staging.UploadAsync(_id, content[..1_000_000]);
        staging.Area.Dispose();
        Append(staging, new byte[500_000]);
        PretendReboot(staging, 1_000_000, content);
        staging.Restart();
        Assert.That(staging.Area.GetUpload(_id).ReceivedOffset, Is.EqualTo(1_000_000));
        await ContinueAndCompare(staging, content, 1_000_000);
    }

    [Test]
    public async Task Restart_InAnotherBootWithBytesChanged_ReportsTheUploadLost()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(1_000_000);
        await staging.UploadAsync(_id, content);
        staging.Area.Dispose();
        PretendReboot(staging, 1_000_000, content);
        Overwrite(staging);
        staging.Restart();
        var refusal = (await Assert.ThrowsAsync<StagingException>(
            () => staging.Area.BeginUploadAsync(staging.Header(_id), 1_000_000, default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.DiskFailed));
        Assert.That(staging.Area.GetUpload(_id).State, Is.EqualTo(UploadState.Failed));
    }

    [Test]
    public async Task Restart_DurableBytesMissing_ReportsTheUploadLost()
    {
        using var staging = new StagingFixture();
        await staging.UploadAsync(_id, new byte[1000]);
        staging.Area.Dispose();
        using (var data = File.OpenHandle(
            Path.Combine(staging.Layout.UploadDirectory(_id), "data"), FileMode.Open, FileAccess.Write))
        {
            RandomAccess.SetLength(data, 10);
        }

        staging.Restart();
        var upload = staging.Area.GetUpload(_id);
        Assert.That(upload.State, Is.EqualTo(UploadState.Failed));
        Assert.That(upload.Failure, Does.Contain("1000"));
    }

    [Test]
    public async Task Restart_CrashBeforeTheRename_RollsTheCommitBackToAResumableUpload()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(1000);
        await staging.UploadAsync(_id, content);
        staging.Area.Dispose();
        WriteRecord(staging, content.Length);
        staging.Restart();
        Assert.That(staging.Area.TryGetImage(_id, out _), Is.False);
        await ContinueAndCompare(staging, content, content.Length);
    }

    [Test]
    public async Task Restart_CrashAfterTheRename_IsStagedAndTheUploadGone()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_id, new byte[1000]);
        staging.Area.Dispose();
        var directory = staging.Layout.UploadDirectory(_id);
        Directory.CreateDirectory(directory);
        await File.WriteAllBytesAsync(
            Path.Combine(directory, "upload.json"),
            JsonSerializer.SerializeToUtf8Bytes(staging.Header(_id), StagingJson.Default.UploadHeader));
        staging.Restart();
        Assert.That(staging.Area.GetImage(_id).Size, Is.EqualTo(1000));
        Assert.That(Directory.Exists(directory), Is.False);
    }

    [Test]
    public async Task Restart_RecordWithoutFile_IsRolledBack()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_id, new byte[1000]);
        staging.Area.Dispose();
        File.Delete(staging.Layout.ImageFile(_id)); // Glance removed it by itself
        staging.Restart();
        Assert.That(staging.Area.TryGetImage(_id, out _), Is.False);
        Assert.That(Directory.EnumerateFiles(staging.Layout.Images), Is.Empty);
    }

    [Test]
    public async Task Restart_Rubbish_IsRemovedAndHarmsNobody()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_id, new byte[10]);
        staging.Area.Dispose();
        await File.WriteAllTextAsync(Path.Combine(staging.Layout.Images, "x.json.tmp"), "{");
        await File.WriteAllTextAsync(staging.Layout.ImageRecord(ImageId.New()), "not json");
        Directory.CreateDirectory(staging.Layout.UploadDirectory(ImageId.New()));
        Directory.CreateDirectory(Path.Combine(staging.Layout.Uploads, "not-an-id"));
        staging.Restart();
        Assert.That(staging.Area.ListImages(), Has.Count.EqualTo(1));
        Assert.That(Directory.EnumerateFileSystemEntries(staging.Layout.Uploads), Is.Empty);
        Assert.That(Directory.EnumerateFiles(staging.Layout.Images).Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task Restart_FileOfGlance_IsCountedAndNotTakenForAStagedImage()
    {
        using var staging = new StagingFixture();
        await File.WriteAllBytesAsync(staging.Layout.ImageFile(_id), new byte[77]);
        staging.Restart();
        Assert.That(staging.Area.TryGetImage(_id, out _), Is.False);
        Assert.That(staging.Area.CountUnmanaged(), Is.EqualTo(new UnmanagedFiles(1, 77)));
    }

    [Test]
    public void Start_DirectoryInUse_IsRefused()
    {
        using var staging = new StagingFixture();
        var refusal = Assert.Throws<StagingStartException>(() => DirectoryLock.Take(staging.Layout).Dispose())!;
        Assert.That(refusal.Message, Does.Contain("another sidecar"));
    }

    private async Task ContinueAndCompare(StagingFixture staging, byte[] content, int offset)
    {
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), offset, default);
        writer.Append(new ReadOnlySequence<byte>(content, offset, content.Length - offset), offset, null);
        var image = await writer.CommitAsync(StagingFixture.Finish(content.Length), default);
        Assert.That(await File.ReadAllBytesAsync(staging.Layout.ImageFile(_id)), SameBytes.As(content));
        Assert.That(image.Digests["crc32c"], Is.EqualTo(Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, content))));
    }

    private void Append(StagingFixture staging, byte[] bytes)
    {
        using var file = File.Open(Path.Combine(staging.Layout.UploadDirectory(_id), "data"), FileMode.Append);
        file.Write(bytes);
    }

    private void Note(StagingFixture staging, ReadOnlySpan<byte> received)
    {
        using var note = ReceivedNote.Open(Path.Combine(staging.Layout.UploadDirectory(_id), "received"));
        note.Write(new ReceivedPoint(received.Length, Crc32C.Append(Crc32C.Empty, received)));
    }

    // A page that the disk lost.
    private void Overwrite(StagingFixture staging)
    {
        using var data = File.OpenWrite(Path.Combine(staging.Layout.UploadDirectory(_id), "data"));
        data.Position = 500_000;
        data.Write(new byte[4096]);
    }

    // The journal of an upload that was written under another kernel, and checkpointed at an offset.
    private void PretendReboot(StagingFixture staging, int durable, byte[] content)
    {
        var path = Path.Combine(staging.Layout.UploadDirectory(_id), "journal");
        File.Delete(path);
        var crc = Crc32C.Append(Crc32C.Empty, content.AsSpan(0, durable));
        using var journal = UploadJournal.Open(path, default);
        journal.Append(new DurablePoint(durable, crc, Guid.NewGuid(), false));
    }

    private void WriteRecord(StagingFixture staging, long size)
    {
        var image = new StagedImage(
            _id, size, new Dictionary<string, string> { ["crc32c"] = "00000000" }, "", ImageOrigin.Uploaded, default);
        File.WriteAllBytes(
            staging.Layout.ImageRecord(_id),
            JsonSerializer.SerializeToUtf8Bytes(image, StagingJson.Default.StagedImage));
    }
}
