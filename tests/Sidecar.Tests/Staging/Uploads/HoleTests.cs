using System.Buffers;
using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Staging.Uploads;

/// <summary>Zeros that are appended become holes: they count as bytes everywhere, and take no space.</summary>
[CancelAfter(30_000)]
internal sealed class HoleTests
{
    private const int Mebibyte = 1 << 20;

    private readonly ImageId _id = ImageId.New();

    [Test]
    public async Task AppendZeros_BetweenData_GivesTheSameBytesAndDigestsAsWrittenZeros()
    {
        using var staging = new StagingFixture(options => options.Digests = ["sha256"]);
        var data = StagingFixture.Content(Mebibyte);
        byte[] whole = [.. data, .. new byte[64 * Mebibyte], .. data, .. new byte[3]];
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        writer.Append(new ReadOnlySequence<byte>(data), 0, null);
        writer.AppendZeros(64 * Mebibyte, Mebibyte);
        writer.Append(new ReadOnlySequence<byte>(data), 65 * Mebibyte, null);
        writer.AppendZeros(3, null);
        var image = await writer.CommitAsync(StagingFixture.Finish(whole.Length), default);
        Assert.That(image.Digests["crc32c"], Is.EqualTo(Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, whole.AsSpan()))));
        Assert.That(image.Digests["sha256"], Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(whole))));
        using var file = File.OpenHandle(staging.Layout.ImageFile(_id));
        Assert.That(RandomAccess.GetLength(file), Is.EqualTo(whole.Length));
        var (start, end) = Posix.NextData(file, 2 * Mebibyte, whole.Length);
        Assert.That((start, end - start), Is.EqualTo((65L * Mebibyte, (long)Mebibyte)).Or.EqualTo((65L * Mebibyte, Mebibyte + 3L)));
        Assert.That(FileCrc.Compute(file, 0, whole.Length, Crc32C.Empty, default), Is.EqualTo(Crc32C.Append(0, whole.AsSpan())));
    }

    [Test]
    public async Task Restart_AfterAHole_GoesOnBehindItInTheSameBootAndInAnother([Values] bool rebooted)
    {
        using var staging = new StagingFixture();
        var data = StagingFixture.Content(Mebibyte);
        byte[] whole = [.. data, .. new byte[Mebibyte], .. data];
        await using (var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default))
        {
            writer.Append(new ReadOnlySequence<byte>(data), null, null);
            writer.AppendZeros(Mebibyte, null);
        }

        if (rebooted) PretendReboot(staging, whole.AsSpan(0, 2 * Mebibyte));
        staging.Restart();
        await using var resumed = await staging.Area.BeginUploadAsync(staging.Header(_id), 2 * Mebibyte, default);
        resumed.Append(new ReadOnlySequence<byte>(data), null, null);
        var image = await resumed.CommitAsync(StagingFixture.Finish(whole.Length), default);
        Assert.That(image.Digests["crc32c"], Is.EqualTo(Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, whole.AsSpan()))));
        Assert.That(await File.ReadAllBytesAsync(staging.Layout.ImageFile(_id)), SameBytes.As(whole));
    }

    [Test]
    public async Task AppendZeros_OfADeclaredSize_GivesTheirReservationBack()
    {
        using var staging = new StagingFixture();
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id, 10 * Mebibyte), null, default);
        writer.AppendZeros(8 * Mebibyte, null);
        Assert.That(staging.Area.Space.Snapshot().ReservedBytes, Is.EqualTo(2 * Mebibyte));
    }

    [Test]
    public async Task AppendZeros_WithoutADeclaredSize_NeedsNoSpace()
    {
        using var staging = new StagingFixture { Space = () => new VolumeSpace(Mebibyte, Mebibyte) };
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        writer.AppendZeros(1L << 36, null);
        Assert.That((writer.ReceivedOffset, staging.Area.Space.Snapshot().ReservedBytes), Is.EqualTo((1L << 36, 0L)));
    }

    [Test]
    public async Task AppendZeros_BeyondTheDeclaredSize_IsRefusedAndChangesNothing()
    {
        using var staging = new StagingFixture();
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id, 10), null, default);
        Assert.That(Refusal(() => writer.AppendZeros(11, null)), Is.EqualTo(StagingError.LengthMismatch));
        Assert.That(Refusal(() => writer.AppendZeros(long.MaxValue, null)), Is.EqualTo(StagingError.LengthMismatch));
        Assert.That(Refusal(() => writer.AppendZeros(1, 5)), Is.EqualTo(StagingError.OffsetMismatch));
        writer.AppendZeros(10, null);
        Assert.That((await writer.CommitAsync(StagingFixture.Finish(10), default)).Size, Is.EqualTo(10));
    }

    [Test]
    public async Task AppendZeros_MoreThanAFileCanHold_IsRefusedAndTheUploadLives()
    {
        using var staging = new StagingFixture(options => options.MaxImageBytes = long.MaxValue);
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        Assert.That(Refusal(() => writer.AppendZeros(long.MaxValue, null)), Is.EqualTo(StagingError.InvalidRequest));
        writer.Append(new ReadOnlySequence<byte>([1]), 0, null);
        Assert.That((await writer.CommitAsync(StagingFixture.Finish(1), default)).Size, Is.EqualTo(1));
    }

    [Test]
    public void NextData_OfAFileWithHoles_FindsEachRunAndTheEnd()
    {
        using var directory = new TempDirectory();
        using var file = DurableFiles.OpenWritable(directory["sparse"], FileMode.Create);
        RandomAccess.Write(file, new byte[4096], 4 * Mebibyte);
        RandomAccess.SetLength(file, 8 * Mebibyte);
        Assert.That(Posix.NextData(file, 0, 8 * Mebibyte), Is.EqualTo((4L * Mebibyte, 4L * Mebibyte + 4096)));
        Assert.That(Posix.NextData(file, 0, Mebibyte), Is.EqualTo(((long)Mebibyte, (long)Mebibyte)));
        Assert.That(Posix.NextData(file, 5 * Mebibyte, 8 * Mebibyte), Is.EqualTo((8L * Mebibyte, 8L * Mebibyte)));
    }

    private static StagingError? Refusal(Action append)
    {
        try
        {
            append();
            return null;
        }
        catch (StagingException refusal)
        {
            return refusal.Error;
        }
    }

    private void PretendReboot(StagingFixture staging, ReadOnlySpan<byte> content)
    {
        var path = Path.Combine(staging.Layout.UploadDirectory(_id), "journal");
        using var journal = UploadJournal.Open(path, default);
        journal.Append(new DurablePoint(content.Length, Crc32C.Append(Crc32C.Empty, content), Guid.NewGuid(), Failed: false));
    }
}
