using NUnit.Framework;
using Sidecar.Staging.Core;

namespace Sidecar.Tests.Staging.Disk;

/// <summary>Files that others wrote for an image go with it.</summary>
[CancelAfter(30_000)]
internal sealed class ForeignFilesTests
{
    private readonly ImageId _id = ImageId.New();

    [Test]
    public async Task Delete_FilesOfOthers_RemovesThoseOfTheImageOnly()
    {
        using var staging = new StagingFixture();
        var other = ImageId.New();
        foreach (var name in new[] { $"{_id}", $"{_id}.raw", $"{_id}.uc", $"{_id}x", $"{other}.raw", "disk" })
        {
            await WriteAsync(staging, name, 100);
        }

        var outcome = await staging.Area.DeleteImageAsync(_id, default);
        Assert.That((outcome.Existed, outcome.FreedBytes), Is.EqualTo((true, 300L)));
        Assert.That(Names(staging), Is.EquivalentTo([$"{_id}x", $"{other}.raw", "disk"]));
        Assert.That((await staging.Area.DeleteImageAsync(_id, default)).Existed, Is.False);
    }

    [Test]
    public async Task Delete_StagedImageWithFilesBesideIt_CountsBoth()
    {
        using var staging = new StagingFixture();
        await staging.StageAsync(_id, new byte[1000]);
        await WriteAsync(staging, $"{_id}.qcow2", 100);
        Assert.That((await staging.Area.DeleteImageAsync(_id, default)).FreedBytes, Is.EqualTo(1100));
        Assert.That(Names(staging), Is.Empty);
    }

    [Test]
    public async Task Delete_LinksAndDirectories_FollowsNoLink()
    {
        using var staging = new StagingFixture();
        var outside = Directory.CreateDirectory(staging["outside"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(outside, "kept"), "kept");
        Directory.CreateSymbolicLink(Under(staging, $"{_id}.raw"), outside);
        File.CreateSymbolicLink(Under(staging, $"{_id}"), Path.Combine(outside, "kept"));
        Directory.CreateDirectory(Under(staging, $"{_id}.uc"));
        await WriteAsync(staging, $"{_id}.uc/member", 100);
        Directory.CreateSymbolicLink(Under(staging, $"{_id}.uc/link"), outside);
        var outcome = await staging.Area.DeleteImageAsync(_id, default);
        Assert.That((outcome.Existed, outcome.FreedBytes), Is.EqualTo((true, 100L)));
        Assert.That(Names(staging), Is.Empty);
        Assert.That(File.ReadAllText(Path.Combine(outside, "kept")), Is.EqualTo("kept"));
    }

    [Test]
    public async Task Delete_ToldLate_LeavesWhatIsNewer()
    {
        using var staging = new StagingFixture();
        var deletedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await WriteAsync(staging, $"{_id}", 1, deletedAt.AddMinutes(1));
        await WriteAsync(staging, $"{_id}.raw", 10, deletedAt.AddMinutes(-1));
        Directory.CreateDirectory(Under(staging, $"{_id}.uc"));
        await WriteAsync(staging, $"{_id}.uc/member", 100, deletedAt.AddMinutes(1));
        Directory.SetLastWriteTimeUtc(Under(staging, $"{_id}.uc"), deletedAt.AddMinutes(-1).UtcDateTime);
        var outcome = await staging.Area.DeleteImageAsync(_id, deletedAt, default);
        Assert.That((outcome.Existed, outcome.FreedBytes), Is.EqualTo((true, 10L)));
        Assert.That(Names(staging), Is.EquivalentTo([$"{_id}", $"{_id}.uc"]));
        outcome = await staging.Area.DeleteImageAsync(_id, deletedAt.AddMinutes(1), default);
        Assert.That((outcome.Existed, outcome.FreedBytes), Is.EqualTo((true, 101L)));
    }

    [Test]
    public async Task Delete_ToldLateOfOldFiles_DoesNotEndANewerUpload()
    {
        using var staging = new StagingFixture();
        var deletedAt = staging.Clock.GetUtcNow();
        await WriteAsync(staging, $"{_id}.raw", 10, deletedAt);
        staging.Clock.Advance(TimeSpan.FromMinutes(1));
        await using var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        Assert.That((await staging.Area.DeleteImageAsync(_id, deletedAt, default)).FreedBytes, Is.EqualTo(10));
        Assert.That(writer.ThrowIfRevoked, Throws.Nothing);
    }

    [Test]
    public async Task Delete_WhileTheirOwnerRemovesThem_Succeeds()
    {
        using var staging = new StagingFixture();
        var paths = Enumerable.Range(0, 10).Select(number => Under(staging, $"{_id}.{number}")).ToList();
        using var enough = new CancellationTokenSource();
        var owner = Task.Run(() =>
        {
            while (!enough.IsCancellationRequested)
            {
                foreach (var path in paths) Directory.CreateDirectory(path);
                foreach (var path in paths) RemoveIfThere(path);
            }
        });
        try
        {
            for (var round = 0; round < 2000; round++) await staging.Area.DeleteImageAsync(_id, default);
        }
        finally
        {
            await enough.CancelAsync();
            await owner;
        }
    }

    private static void RemoveIfThere(string directory)
    {
        try
        {
            Directory.Delete(directory);
        }
        catch (DirectoryNotFoundException)
        {
            // The sidecar was faster.
        }
    }

    private static string Under(StagingFixture staging, string name) => Path.Combine(staging.Layout.Directory, name);

    private static IEnumerable<string?> Names(StagingFixture staging) => Directory
        .EnumerateFileSystemEntries(staging.Layout.Directory).Select(Path.GetFileName).Where(name => name != ".sidecar");

    private static async Task WriteAsync(StagingFixture staging, string name, int bytes, DateTimeOffset? changedAt = null)
    {
        await File.WriteAllBytesAsync(Under(staging, name), new byte[bytes]);
        if (changedAt is { } at) File.SetLastWriteTimeUtc(Under(staging, name), at.UtcDateTime);
    }
}
