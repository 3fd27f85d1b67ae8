using NUnit.Framework;
using Sidecar.Staging.Files;
using Sidecar.Staging.Uploads;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Staging.Uploads;

/// <summary>What is in a journal stays there, whoever writes to it and however its process ends.</summary>
internal sealed class UploadJournalTests
{
    [Test]
    public void Journal_TornLastRecord_CountsForNothing()
    {
        using var directory = new TempDirectory();
        var path = directory["journal"];
        var start = new DurablePoint(0, 0, BootId.Current, false);
        using (var journal = UploadJournal.Open(path, start))
        {
            journal.Append(start with { Offset = 100, Crc32C = 1 });
            journal.Append(start with { Offset = 200, Crc32C = 2 });
        }

        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(file, RandomAccess.GetLength(file) - 3);
        }

        Assert.That(UploadJournal.ReadLast(path, start).Offset, Is.EqualTo(100));
        using (var journal = UploadJournal.Open(path, start)) journal.Append(start with { Offset = 300 });
        Assert.That(UploadJournal.ReadLast(path, start).Offset, Is.EqualTo(300));
    }

    // Golden: what is on disk in the field must stay readable. If this fails, the layout version must change.
    [Test]
    public void Journal_RecordWrittenByTheFirstVersion_IsUnderstood()
    {
        using var directory = new TempDirectory();
        var path = directory["journal"];
        File.WriteAllBytes(path, Convert.FromHexString(
            "47534A31" + "00000000" + "4000000000000000" + "78563412" + "01000000" + "00112233445566778899AABBCCDDEEFF"));
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            Span<byte> record = stackalloc byte[40];
            RandomAccess.Read(file, record, 0);
            BitConverter.TryWriteBytes(record[4..], Crc32C.Append(Crc32C.Empty, record[8..]));
            RandomAccess.Write(file, record, 0);
        }

        var point = UploadJournal.ReadLast(path, default);
        Assert.That((point.Offset, point.Crc32C, point.Failed), Is.EqualTo((64L, 0x12345678u, true)));
        Assert.That(point.BootId, Is.EqualTo(new Guid(Convert.FromHexString("00112233445566778899AABBCCDDEEFF"))));
    }

    [Test]
    public void AppendFailure_HoldsForEveryLaterPoint()
    {
        using var directory = new TempDirectory();
        var start = new DurablePoint(0, 0, BootId.Current, false);
        using (var journal = UploadJournal.Open(directory["journal"], start))
        {
            journal.AppendFailure();
            journal.Append(start with { Offset = 100 });
        }

        var last = UploadJournal.ReadLast(directory["journal"], start);
        Assert.That((last.Offset, last.Failed), Is.EqualTo((100L, true)));
    }

    // The pump makes points while the writer's write fails.
    [Test]
    public void Append_WhileAFailureIsAppended_LosesNeither()
    {
        const int Points = 100;
        using var directory = new TempDirectory();
        var path = directory["journal"];
        var start = new DurablePoint(0, 0, BootId.Current, false);
        using (var journal = UploadJournal.Open(path, start))
        {
            Parallel.For(0, Points + 1, n =>
            {
                if (n == Points / 2) journal.AppendFailure();
                else journal.Append(start with { Offset = n });
            });
        }

        Assert.That(UploadJournal.ReadLast(path, start).Failed, Is.True);
        Assert.That(new FileInfo(path).Length, Is.EqualTo((Points + 1) * PointRecord.Bytes));
    }

    [Test]
    public void MakeDurable_KeepsThePointsAndWritesThemAgain()
    {
        using var directory = new TempDirectory();
        var path = directory["journal"];
        var start = new DurablePoint(0, 0, BootId.Current, false);
        using (var journal = UploadJournal.Open(path, start)) journal.Append(start with { Offset = 100 });
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        UploadJournal.MakeDurable(path);
        Assert.That(File.GetLastWriteTimeUtc(path), Is.GreaterThan(DateTime.UnixEpoch));
        Assert.That(UploadJournal.ReadLast(path, start).Offset, Is.EqualTo(100));
    }

    // What an fsync lost is on the disk only once it was written again.
    [TestCase(true)]
    [TestCase(false)]
    public void FileCrc_RewritesOnlyWhenAsked(bool rewrite)
    {
        using var directory = new TempDirectory();
        var (path, content) = (directory["data"], StagingFixture.Content(3_000_000));
        File.WriteAllBytes(path, content);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            var crc = rewrite
                ? FileCrc.ComputeAndRewrite(file, 0, content.Length, Crc32C.Empty, default)
                : FileCrc.Compute(file, 0, content.Length, Crc32C.Empty, default);
            Assert.That(crc, Is.EqualTo(Crc32C.Append(Crc32C.Empty, content)));
        }

        Assert.That(File.GetLastWriteTimeUtc(path) > DateTime.UnixEpoch, Is.EqualTo(rewrite));
        Assert.That(File.ReadAllBytes(path), SameBytes.As(content));
    }
}
