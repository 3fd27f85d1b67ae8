using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Staging.Disk;

/// <summary>Older layouts are migrated, newer ones refused.</summary>
internal sealed class LayoutVersionTests
{
    private readonly TempDirectory _directory = new();

    private StagingLayout Layout => new(_directory["staging"]);

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public void Start_NewDirectory_HasTheKnownLayout()
    {
        using (DirectoryLock.Take(Layout)) Assert.That(Format(), Is.EqualTo("1\n"));
    }

    [TestCase("2")]
    [TestCase("17")]
    public void Start_NewerLayout_IsRefusedAndNothingIsTouched(string version)
    {
        Lay(version);
        var refusal = Assert.Throws<StagingStartException>(() => DirectoryLock.Take(Layout).Dispose())!;
        Assert.That(refusal.Message, Does.Contain($"has layout {version}, and this sidecar knows layouts 1 to 1"));
        Assert.That(refusal.Message, Does.Contain("Run that one again; to go back, drain it first"));
        Assert.That(Format(), Is.EqualTo(version));
        Assert.That(Directory.Exists(Layout.Uploads), Is.False, "made for the wrong layout");
        Lay("1");
        using var taken = DirectoryLock.Take(Layout); // the refusal let go of it
        Assert.That(Directory.Exists(Layout.Uploads), Is.True);
    }

    [TestCase("")]
    [TestCase("0")]
    [TestCase("-1")]
    [TestCase("one")]
    [TestCase("99999999999999999999")]
    public void Start_FileWithoutAVersion_IsRefusedByName(string content)
    {
        Lay(content);
        var refusal = Assert.Throws<StagingStartException>(() => DirectoryLock.Take(Layout).Dispose())!;
        Assert.That(refusal.Message, Does.StartWith($"{Layout.FormatFile} holds '{content}'"));
        Assert.That(refusal.Message, Does.Contain("allowed: the version of a layout, 1 to 1. Restore it"));
    }

    [Test]
    public void Migrations_FromEachOlderLayout_RunInOrderAndOnce([Values(1, 2, 3, 4)] int found)
    {
        Lay($"{found}\n");
        var ran = new List<int>();
        LayoutVersion Version() => new(Layout, [_ => ran.Add(2), _ => ran.Add(3), _ => ran.Add(4)]);
        Version().BringUpToDate();
        Version().BringUpToDate();
        Assert.That(ran, Is.EqualTo(Enumerable.Range(found + 1, 4 - found)));
        Assert.That(Format().Trim(), Is.EqualTo("4"));
    }

    [Test]
    public void Migration_KilledInTheMiddle_GoesOnAtTheNextStart()
    {
        Lay("1\n");
        string[] files = [Path.Combine(Layout.Private, "a"), Path.Combine(Layout.Private, "b")];
        foreach (var file in files) File.WriteAllText(file, "old");
        var kills = 2;
        LayoutVersion Version() => new(Layout, [
            _ => Rewrite(files, "old", "new", () => { }),
            _ => Rewrite(files, "new", "newest", () =>
            {
                if (kills-- > 0) throw new IOException("killed");
            })]);

        Assert.Throws<IOException>(Version().BringUpToDate);
        Assert.That((Format(), Contents()), Is.EqualTo(("2\n", "newest new")), "the second is half done");
        Assert.Throws<IOException>(Version().BringUpToDate);
        Version().BringUpToDate();
        Assert.That((Format(), Contents()), Is.EqualTo(("3\n", "newest newest")));

        string Contents() => string.Join(' ', files.Select(File.ReadAllText));
    }

    [Test]
    public void Migration_KilledWhileTheVersionIsWritten_GoesOnToo()
    {
        Lay("1\n");
        File.WriteAllText(Layout.FormatFile + ".tmp", "2"); // the rename was missing
        var ran = 0;
        new LayoutVersion(Layout, [_ => ran++]).BringUpToDate();
        Assert.That((ran, Format()), Is.EqualTo((1, "2\n")));
    }

    private static void Rewrite(string[] files, string before, string after, Action between)
    {
        foreach (var file in files)
        {
            if (File.ReadAllText(file) != before) continue;
            DurableFiles.Replace(file, System.Text.Encoding.ASCII.GetBytes(after));
            between();
        }
    }

    private void Lay(string format)
    {
        Directory.CreateDirectory(Layout.Private);
        File.WriteAllText(Layout.FormatFile, format);
    }

    private string Format() => File.ReadAllText(Layout.FormatFile);
}
