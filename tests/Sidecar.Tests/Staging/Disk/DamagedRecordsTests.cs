using System.Text.Json.Nodes;
using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;
using Sidecar.Staging.Uploads;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Staging.Disk;

/// <summary>A start over records that a disk damaged, or somebody else wrote.</summary>
[CancelAfter(60_000)]
internal sealed class DamagedRecordsTests
{
    private static readonly string[] NoRecords = ["", "{}", "null", "[]", "\0\0\0\0", "{\"id\":"];

    private static readonly (string Name, JsonNode? Value)[] NoImages =
    [
        ("id", null), ("id", 7), ("size", -1), ("size", null), ("digests", null), ("digests", new JsonObject()),
        ("digests", new JsonObject { ["crc32c"] = "00000000", ["md5"] = null }), ("project_id", null), ("origin", 77),
        ("committed_at", null), ("committed_at", "0001-01-01T00:00:00+14:00"),
    ];

    private static readonly (string Name, JsonNode? Value)[] NoUploads =
    [
        ("image_id", null), ("declared_size", -1), ("expected_digests", null), ("project_id", null), ("boot_id", "x"),
        ("digests", new JsonObject { ["of_upload"] = new JsonArray("md17"), ["of_output"] = new JsonArray() }),
        ("digests", new JsonObject { ["of_upload"] = new JsonArray(), ["of_output"] = new JsonArray((JsonNode?)null) }),
        ("expected_digests", new JsonObject { ["md17"] = "00" }), ("expected_digests", new JsonObject { ["md5"] = null }),
    ];

    private readonly ImageId _damaged = ImageId.New();
    private readonly ImageId _whole = ImageId.New();

    [Test]
    public async Task Restart_WithADamagedImageRecord_SetsItAsideAndListsTheOthers()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_whole, StagingFixture.Content(10));
        await staging.StageAsync(_damaged, StagingFixture.Content(20));
        var record = staging.Layout.ImageRecord(_damaged);
        var good = File.ReadAllBytes(record);
        foreach (var (name, damage) in Damages(record, good, NoImages))
        {
            staging.Area.Dispose();
            damage();
            staging.Restart();
            Assert.That(staging.Area.ListImages().Select(image => image.Id), Is.EqualTo(new[] { _whole }), name);
            Assert.That(DamagedRecords.Count(staging.Layout), Is.EqualTo(1), name);
            Assert.That(Posix.TryStatus(record), Is.Null, name);
            Assert.That(File.Exists(staging.Layout.ImageFile(_damaged)), Is.True, "its file is not touched");
        }
    }

    [Test]
    public async Task Restart_AfterAKillWhileARecordWasWritten_RemovesWhatWasUnfinished()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_whole, StagingFixture.Content(10));
        var record = staging.Layout.ImageRecord(_whole);
        var unfinished = record + ".tmp";
        staging.Area.Dispose();
        File.Copy(record, unfinished);
        staging.Restart();
        Assert.That(staging.Area.ListImages().Select(image => image.Id), Is.EqualTo(new[] { _whole }));
        Assert.That((File.Exists(unfinished), DamagedRecords.Count(staging.Layout)), Is.EqualTo((false, 0)));
    }

    [Test]
    public async Task Restart_WithADamagedUploadHeader_SetsItAsideAndListsTheOthers()
    {
        using var staging = new StagingFixture();
        await staging.UploadAsync(_whole, StagingFixture.Content(10));
        await staging.UploadAsync(_damaged, StagingFixture.Content(20), 20);
        var directory = staging.Layout.UploadDirectory(_damaged);
        var header = Upload.HeaderFile(directory);
        var good = File.ReadAllBytes(header);
        foreach (var (name, damage) in Damages(header, good, NoUploads))
        {
            staging.Area.Dispose();
            Directory.CreateDirectory(directory);
            damage();
            staging.Restart();
            Assert.That(staging.Area.ListUploads().Select(upload => upload.Header.ImageId), Is.EqualTo(new[] { _whole }), name);
            Assert.That(DamagedRecords.Count(staging.Layout), Is.EqualTo(1), name);
            Assert.That(Directory.Exists(directory), Is.False, name);
        }
    }

    [Test]
    public async Task Restart_WithSomethingElseAsJournalOrData_GoesOn()
    {
        foreach (var part in new[] { "journal", "data" })
        {
            foreach (var kind in Planted.Kinds)
            {
                using var staging = new StagingFixture();
                await staging.UploadAsync(_damaged, StagingFixture.Content(20));
                staging.Area.Dispose();
                Planted.At(Path.Combine(staging.Layout.UploadDirectory(_damaged), part), kind);
                staging.Restart();
                Assert.That(staging.Area.ListUploads().Sum(upload => upload.ReceivedOffset), Is.Zero, $"{part}: {kind}");
            }
        }
    }

    [Test]
    public async Task Restart_WithARecordLargerThanAny_SetsItAsideAndGoesOn()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_damaged, StagingFixture.Content(20));
        staging.Area.Dispose();
        using (var record = File.OpenWrite(staging.Layout.ImageRecord(_damaged))) record.SetLength(3L << 30);
        staging.Restart();
        Assert.That(staging.Area.ListImages(), Is.Empty);
        Assert.That(DamagedRecords.Count(staging.Layout), Is.EqualTo(1));
        Assert.That(File.Exists(staging.Layout.ImageRecord(_damaged)), Is.False);
        var aside = Path.Combine(staging.Layout.Damaged, $"image-{_damaged}.json");
        Assert.That(new FileInfo(aside).Length, Is.EqualTo(3L << 30));
    }

    [Test]
    public void Restart_WithTheLongestNames_SetsEachAside()
    {
        using var staging = new StagingFixture();
        staging.Area.Dispose();
        // As many bytes as a name may have; "image-" before them is too much.
        foreach (var last in "ab")
        {
            File.WriteAllText(Path.Combine(staging.Layout.Images, new string('ä', 127) + last), "{}");
            var upload = Directory.CreateDirectory(Path.Combine(staging.Layout.Uploads, new string('u', 254) + last)).FullName;
            File.WriteAllText(Upload.HeaderFile(upload), "{}");
        }

        staging.Restart();
        Assert.That(DamagedRecords.Count(staging.Layout), Is.EqualTo(4));
        Assert.That(Directory.EnumerateFileSystemEntries(staging.Layout.Images), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(staging.Layout.Uploads), Is.Empty);
    }

    [Test]
    public async Task Restart_ThatCannotSetARecordAside_KeepsItAndItsDirectory()
    {
        using var staging = new StagingFixture();
        await staging.UploadAsync(_damaged, StagingFixture.Content(20), 20);
        staging.Area.Dispose();
        var header = Upload.HeaderFile(staging.Layout.UploadDirectory(_damaged));
        File.WriteAllText(header, "{}");
        if (Directory.Exists(staging.Layout.Damaged)) Directory.Delete(staging.Layout.Damaged, recursive: true);
        File.WriteAllText(staging.Layout.Damaged, "no directory");
        staging.Restart();
        Assert.That(staging.Area.ListUploads(), Is.Empty);
        Assert.That(File.ReadAllText(header), Is.EqualTo("{}"));
    }

    [Test]
    public void List_NamesTheFirst_WithWhatWasNoted_AndForgetsNotesOfRecordsThatAreGone()
    {
        using var staging = new StagingFixture();
        staging.Area.Dispose();
        foreach (var name in new[] { "b", "a", "c" }) File.WriteAllText(Path.Combine(staging.Layout.Images, name), "{}");
        staging.Restart();
        var (count, first) = DamagedRecords.List(staging.Layout, 2);
        Assert.That(count, Is.EqualTo(3));
        Assert.That(first.Select(record => record.Name), Is.EqualTo(new[] { "image-a", "image-b" }));
        Assert.That(first[0].Why, Does.Contain("missing required"));
        Assert.That(first[0].At, Is.EqualTo(DateTimeOffset.UtcNow).Within(1).Hours);

        File.Delete(Path.Combine(staging.Layout.Damaged, "image-a"));
        Planted.At(Path.Combine(staging.Layout.DamagedNotes, "image-b"), "fifo");
        staging.Area.Dispose();
        staging.Restart();
        Assert.That(File.Exists(Path.Combine(staging.Layout.DamagedNotes, "image-a")), Is.False);
        Assert.That(DamagedRecords.List(staging.Layout, 2).First[0], Is.EqualTo(new DamagedRecord("image-b", "", null)));
    }

    [Test]
    public void Start_OverAFormatThatIsNoFile_SaysWhatIsThere()
    {
        foreach (var kind in Planted.Kinds)
        {
            using var staging = new StagingFixture();
            Planted.At(staging.Layout.FormatFile, kind);
            Assert.That(staging.Restart, Throws.InstanceOf<StagingStartException>().With.Message.Contains("not a regular file"), kind);
            File.Delete(staging.Layout.FormatFile + ".target");
            if (Directory.Exists(staging.Layout.FormatFile) && kind == "directory") Directory.Delete(staging.Layout.FormatFile, true);
            else File.Delete(staging.Layout.FormatFile);
            File.WriteAllText(staging.Layout.FormatFile, "1");
            staging.Restart();
        }
    }

    private static IEnumerable<(string Name, Action Damage)> Damages(
        string record, byte[] good, (string Name, JsonNode? Value)[] properties)
    {
        foreach (var text in NoRecords) yield return ($"holds '{text}'", () => File.WriteAllText(record, text));
        foreach (var (name, value) in properties)
        {
            var changed = JsonNode.Parse(good)!.AsObject();
            changed[name] = value?.DeepClone();
            yield return ($"{name} is {value?.ToJsonString() ?? "null"}", () => File.WriteAllText(record, changed.ToJsonString()));
            var without = JsonNode.Parse(good)!.AsObject();
            without.Remove(name);
            if (properties == NoUploads && name is ("declared_size" or "digests")) continue;
            yield return ($"{name} is missing", () => File.WriteAllText(record, without.ToJsonString()));
        }

        foreach (var kind in Planted.Kinds.Where(kind => kind != "link to a file"))
        {
            yield return ($"is a {kind}", () => Planted.At(record, kind));
        }
    }
}
