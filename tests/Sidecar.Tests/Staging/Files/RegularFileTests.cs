using NUnit.Framework;
using Sidecar.Staging.Files;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Staging.Files;

[CancelAfter(30_000)]
internal sealed class RegularFileTests
{
    private readonly TempDirectory _directory = new();

    [TearDown]
    public void Remove() => _directory.Dispose();

    [Test]
    public void Open_WhatIsNoRegularFile_SaysThatAtOnce()
    {
        foreach (var kind in Planted.Kinds)
        {
            Planted.At(_directory["file"], kind);
            Assert.That(() => RegularFile.OpenToRead(_directory["file"]), Throws.InstanceOf<FileNotFoundException>(), kind);
            Assert.That(
                () => RegularFile.OpenToWrite(_directory["file"], FileMode.OpenOrCreate),
                Throws.InstanceOf<FileNotFoundException>(), kind);
            Assert.That(RegularFile.TryLength(_directory["file"]), Is.Null, kind);
        }

        Assert.That(
            () => RegularFile.OpenToRead("/dev/null"), Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("a device"));
    }

    [Test]
    public void OpenToWrite_ANewFile_IsMade()
    {
        using (var file = RegularFile.OpenToWrite(_directory["file"], FileMode.CreateNew)) RandomAccess.Write(file, "abc"u8, 0);
        Assert.That(File.ReadAllText(_directory["file"]), Is.EqualTo("abc"));
        Assert.That(RegularFile.TryLength(_directory["file"]), Is.EqualTo(3));
    }

    [Test]
    public void ReadAll_AtTheLimitAndBeyond()
    {
        File.WriteAllBytes(_directory["file"], new byte[10]);
        Assert.That(RegularFile.ReadAll(_directory["file"], 10), Has.Length.EqualTo(10));
        Assert.That(() => RegularFile.ReadAll(_directory["file"], 9), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void Write_OverAFileWithASecondName_LeavesThatAlone()
    {
        File.WriteAllText(_directory["other"], "other");
        File.CreateSymbolicLink(_directory["record.tmp"], _directory["other"]);
        DurableFiles.Replace(_directory["record"], "record"u8);
        Assert.That(File.ReadAllText(_directory["other"]), Is.EqualTo("other"));
        Assert.That(File.ReadAllText(_directory["record"]), Is.EqualTo("record"));
    }

    [Test]
    public void IsAt_AfterTheNameWasGivenToAnother_IsFalse()
    {
        File.WriteAllText(_directory["file"], "");
        using var file = RegularFile.OpenToRead(_directory["file"]);
        Assert.That(RegularFile.IsAt(file, _directory["file"]), Is.True);
        File.WriteAllText(_directory["new"], "");
        File.Move(_directory["new"], _directory["file"], overwrite: true);
        Assert.That(RegularFile.IsAt(file, _directory["file"]), Is.False);
    }
}
