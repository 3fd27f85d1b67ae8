using System.Buffers;
using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;

namespace Sidecar.Tests.Staging.Uploads;

[CancelAfter(30_000)]
internal sealed class UploadTests
{
    private readonly ImageId _id = ImageId.New();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(3_000_000)]
    public async Task Commit_WholeImage_IsVisibleWithItsBytes(int size)
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(size);
        var image = await staging.StageAsync(_id, content);
        Assert.That(await File.ReadAllBytesAsync(staging.Layout.ImageFile(_id)), SameBytes.As(content));
        Assert.That(image.Size, Is.EqualTo(size));
        Assert.That(image.Digests["crc32c"], Is.EqualTo(Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, content))));
        Assert.That(staging.Area.ListUploads(), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(staging.Layout.Uploads), Is.Empty);
    }

    [Test]
    public async Task Begin_WhereAnOlderUploadLeftItsFiles_BeginsEmpty()
    {
        using var staging = new StagingFixture();
        var directory = Directory.CreateDirectory(staging.Layout.UploadDirectory(_id)).FullName;
        await File.WriteAllBytesAsync(Path.Combine(directory, "data"), StagingFixture.Content(2_000_000));
        await File.WriteAllTextAsync(Path.Combine(directory, "journal"), "of an older upload");
        await using (var writer = await staging.Area.BeginUploadAsync(staging.Header(_id, null), null, default))
        {
            writer.AppendZeros(1_000_000, 0);
            await writer.CommitAsync(StagingFixture.Finish(1_000_000), default);
        }

        Assert.That(await File.ReadAllBytesAsync(staging.Layout.ImageFile(_id)), SameBytes.As(new byte[1_000_000]));
    }

    [Test]
    public async Task Commit_OfAFileThatIsLongerThanWhatWasReceived_IsNone()
    {
        using var staging = new StagingFixture();
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id, null), null, default);
        writer.Append(new ReadOnlySequence<byte>(new byte[100]), null, null);
        using (var data = DurableFiles.OpenWritable(Path.Combine(staging.Layout.UploadDirectory(_id), "data"), FileMode.Open))
        {
            RandomAccess.SetLength(data, 101);
        }


        var refusal = await Assert.ThrowsAsync<StagingException>(() => writer.CommitAsync(StagingFixture.Finish(100), default));

        Assert.That(refusal!.Error, Is.EqualTo(StagingError.DiskFailed));
        Assert.That(staging.Area.ListImages(), Is.Empty);
        Assert.That(File.Exists(staging.Layout.ImageFile(_id)), Is.False);
    }

    [Test]
    public async Task Begin_AnewWithoutSpace_KeepsTheUnfinishedUpload()
    {
        using var staging = new StagingFixture { Space = () => new VolumeSpace(1000, 1000) };
        await staging.UploadAsync(_id, new byte[100]);
        await Assert.ThrowsAsync<StagingException>(() => staging.Area.BeginUploadAsync(staging.Header(_id, 1200), null, default));
        Assert.That(staging.Area.GetUpload(_id).ReceivedOffset, Is.EqualTo(100));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Begin_AnewWithTheSpaceOfTheUnfinishedUpload_IsTaken(bool isReserved)
    {
        using var staging = new StagingFixture();
        staging.Space = () => new VolumeSpace(
            1000, 1000 - Directory.EnumerateFiles(staging.Layout.Uploads, "data", SearchOption.AllDirectories)
                .Sum(file => new FileInfo(file).Length));
        await staging.UploadAsync(_id, new byte[800]);
        using var held = staging.Area.Reserve(_id, isReserved ? 200 : 0, "");
        var header = staging.Header(_id, 1000) with { ReservationId = isReserved ? held.Id : "" };
        await using var writer = await staging.Area.BeginUploadAsync(header, null, default);
        Assert.That(staging.Area.Space.Snapshot().AvailableBytes, Is.Zero);
    }

    [Test]
    public async Task Commit_WithDigestsAskedFor_ReportsThem()
    {
        using var staging = new StagingFixture(options => options.Digests = ["md5", "sha512"]);
        var content = StagingFixture.Content(5_000_000);
        var image = await staging.StageAsync(_id, content);
        Assert.That(image.Digests["md5"], Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(content))));
        Assert.That(image.Digests["sha512"], Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(content))));
    }

    [Test]
    public async Task Commit_WrongDigest_IsRefusedAndTheRightOneAcceptedAfterwards()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(100_000);
        var wrong = new CommitRequest(content.Length, new Dictionary<string, string> { ["md5"] = new('0', 32) });
        var right = new CommitRequest(
            content.Length,
            new Dictionary<string, string> { ["md5"] = Convert.ToHexStringLower(MD5.HashData(content)) });
        await using (var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default))
        {
            writer.Append(new ReadOnlySequence<byte>(content), null, null);
            var refusal = (await Assert.ThrowsAsync<StagingException>(() => writer.CommitAsync(wrong, default)))!;
            Assert.That(refusal.Error, Is.EqualTo(StagingError.DigestMismatch));
            Assert.That(refusal.Facts["actual"], Is.EqualTo(right.ExpectedDigests["md5"]));
        }

        Assert.That(staging.Area.TryGetImage(_id, out _), Is.False);
        await using var again = await staging.Area.BeginUploadAsync(staging.Header(_id), content.Length, default);
        Assert.That((await again.CommitAsync(right, default)).Size, Is.EqualTo(content.Length));
    }

    [TestCase(10, 9L)]
    [TestCase(10, 11L)]
    public async Task Commit_OtherSizeThanSent_IsRefused(int sent, long finished)
    {
        using var staging = new StagingFixture();
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        writer.Append(new ReadOnlySequence<byte>(new byte[sent]), null, null);
        var refusal = (await Assert.ThrowsAsync<StagingException>(
            () => writer.CommitAsync(StagingFixture.Finish(finished), default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.LengthMismatch));
        Assert.That(File.Exists(staging.Layout.ImageFile(_id)), Is.False);
    }

    [Test]
    public async Task Append_MoreThanDeclared_IsRefusedBeforeItIsWritten()
    {
        using var staging = new StagingFixture();
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id, 10), null, default);
        writer.Append(new ReadOnlySequence<byte>(new byte[8]), null, null);
        var refusal = Assert.Throws<StagingException>(
            () => writer.Append(new ReadOnlySequence<byte>(new byte[3]), null, null))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.LengthMismatch));
        Assert.That(writer.ReceivedOffset, Is.EqualTo(8));
    }

    [Test]
    public async Task Append_AtWrongOffset_ReportsTrueOffset()
    {
        using var staging = new StagingFixture();
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        writer.Append(new ReadOnlySequence<byte>(new byte[5]), 0, null);
        var refusal = Assert.Throws<StagingException>(
            () => writer.Append(new ReadOnlySequence<byte>(new byte[5]), 6, null))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.OffsetMismatch));
        Assert.That(refusal.Facts["offset"], Is.EqualTo("5"));
    }

    [Test]
    public async Task Append_DamagedChunk_IsNotWritten()
    {
        using var staging = new StagingFixture();
        var content = StagingFixture.Content(1000);
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        var refusal = Assert.Throws<StagingException>(
            () => writer.Append(new ReadOnlySequence<byte>(content), null, 42))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.ChunkCorrupt));
        writer.Append(new ReadOnlySequence<byte>(content), null, Crc32C.Append(Crc32C.Empty, content));
        var image = await writer.CommitAsync(StagingFixture.Finish(1000), default);
        Assert.That(image.Digests["crc32c"], Is.EqualTo(Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, content))));
    }

    [Test]
    public async Task Begin_WhileAnotherWrites_FencesTheOlder()
    {
        using var staging = new StagingFixture();
        var older = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        older.Append(new ReadOnlySequence<byte>(new byte[5]), null, null);
        var newer = staging.Area.BeginUploadAsync(staging.Header(_id), 5, default);
        await Cancelled(older.Revoked);
        var refusal = Assert.Throws<StagingException>(
            () => older.Append(new ReadOnlySequence<byte>(new byte[5]), null, null))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.UploadTakenOver));
        Assert.That(newer.IsCompleted, Is.False, "the older still has its files open");
        await older.DisposeAsync();
        await using var writer = await newer;
        Assert.That(writer.ReceivedOffset, Is.EqualTo(5));
    }

    [Test]
    public async Task Begin_ThreeAtOnce_TheNewestWins()
    {
        using var staging = new StagingFixture();
        var first = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        var second = staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        var third = staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        await first.DisposeAsync();
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => second))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.UploadTakenOver));
        await using var writer = await third;
        writer.ThrowIfRevoked();
    }

    [Test]
    public async Task Begin_StagedImage_IsRefused()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_id, [1]);
        var refusal = (await Assert.ThrowsAsync<StagingException>(
            () => staging.Area.BeginUploadAsync(staging.Header(_id), null, default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.AlreadyStaged));
    }

    [Test]
    public async Task Begin_WithoutOffset_DiscardsTheUnfinishedUpload()
    {
        using var staging = new StagingFixture();
        await staging.UploadAsync(_id, new byte[100]);
        var image = await staging.StageAsync(_id, [7]);
        Assert.That(image.Size, Is.EqualTo(1));
    }

    [Test]
    public async Task Begin_ResumeOfNothing_IsNotFound()
    {
        using var staging = new StagingFixture();
        var refusal = (await Assert.ThrowsAsync<StagingException>(
            () => staging.Area.BeginUploadAsync(staging.Header(_id), 0, default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.UploadNotFound));
    }

    [Test]
    public async Task Abort_WhileWriting_EndsTheWriterAndFreesTheBytes()
    {
        using var staging = new StagingFixture();
        var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        writer.Append(new ReadOnlySequence<byte>(new byte[100]), null, null);
        var abort = staging.Area.AbortUploadAsync(_id, default);
        await Cancelled(writer.Revoked);
        await writer.DisposeAsync();
        Assert.That(await abort, Is.True);
        Assert.That(staging.Area.ListUploads(), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(staging.Layout.Uploads), Is.Empty);
    }

    [Test]
    public async Task Drain_WhileWriting_KeepsTheOffsetAndRefusesNewUploads()
    {
        using var staging = new StagingFixture();
        var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        writer.Append(new ReadOnlySequence<byte>(new byte[100]), null, null);
        staging.Area.Drain();
        await Cancelled(writer.Revoked);
        Assert.That(
            Assert.Throws<StagingException>(writer.ThrowIfRevoked)!.Error, Is.EqualTo(StagingError.Draining));
        await writer.DisposeAsync();
        Assert.That(staging.Area.GetUpload(_id).DurableOffset, Is.EqualTo(100));
        Assert.That(
            (await Assert.ThrowsAsync<StagingException>(
                () => staging.Area.BeginUploadAsync(staging.Header(ImageId.New()), null, default)))!.Error,
            Is.EqualTo(StagingError.Draining));
    }

    [Test]
    public async Task Sweep_UploadThatNobodyContinued_IsRemovedAfterTheRetention()
    {
        using var staging = new StagingFixture(options => options.UploadRetention = TimeSpan.FromHours(1));
        await staging.UploadAsync(_id, new byte[10]);
        staging.Clock.Advance(TimeSpan.FromMinutes(59));
        await staging.Area.SweepAsync(default);
        Assert.That(staging.Area.GetUpload(_id).ReceivedOffset, Is.EqualTo(10));
        staging.Clock.Advance(TimeSpan.FromMinutes(2));
        await staging.Area.SweepAsync(default);
        Assert.That(staging.Area.ListUploads(), Is.Empty);
    }

    [Test]
    public async Task Delete_StagedImage_RemovesFileAndRecord()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_id, new byte[10]);
        var outcome = await staging.Area.DeleteImageAsync(_id, default);
        Assert.That(outcome, Is.EqualTo(new DeleteOutcome(true, 10)));
        Assert.That(File.Exists(staging.Layout.ImageFile(_id)), Is.False);
        Assert.That(Directory.EnumerateFiles(staging.Layout.Images), Is.Empty);
        Assert.That((await staging.Area.DeleteImageAsync(_id, default)).Existed, Is.False);
    }

    [Test]
    public async Task Delete_WithALimit_LeavesWhatIsNewer()
    {
        using var staging = new StagingFixture();
        var before = staging.Clock.GetUtcNow() - TimeSpan.FromSeconds(1);
        var image = await staging.StageAsync(_id, new byte[10]);
        Assert.That((await staging.Area.DeleteImageAsync(_id, before, default)).Existed, Is.False);
        Assert.That((await staging.Area.DeleteImageAsync(_id, image.CommittedAt, default)).Existed, Is.True);

        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        Assert.That((await staging.Area.DeleteImageAsync(_id, before, default)).Existed, Is.False);
        Assert.That(writer.Revoked.IsCancellationRequested, Is.False, "the newer upload goes on");
    }

    private static Task Cancelled(CancellationToken token)
    {
        var cancelled = new TaskCompletionSource();
        token.Register(cancelled.SetResult);
        return cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20), CancellationToken.None);
    }
}
