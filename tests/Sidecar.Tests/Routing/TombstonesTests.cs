using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NUnit.Framework;
using Sidecar.Peers.Core;
using Sidecar.Routing.Core;
using Sidecar.Routing.Deleting;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Routing;

internal sealed class TombstonesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Later = Noon.AddDays(30);

    private readonly ImageId _id = ImageId.New();

    [Test]
    public void Restart_KeepsWhatWasToldToWhom()
    {
        using var directory = new TempDirectory();
        var tombstones = Open(directory);
        tombstones.Add(_id, Noon);
        tombstones.Told(_id, Noon, ["glance-1"]);
        var restarted = Open(directory);
        Assert.That(restarted.MissedBy("glance-1", Later), Is.Empty);
        var (id, tombstone) = restarted.MissedBy("glance-2", Later).Single();
        Assert.That((id, tombstone.DeletedAt), Is.EqualTo((_id, Noon)));
    }

    [Test]
    public void Add_ANewerDeletion_IsToldToEverybodyAgain()
    {
        using var directory = new TempDirectory();
        var tombstones = Open(directory);
        tombstones.Add(_id, Noon);
        tombstones.Told(_id, Noon, ["glance-1"]);
        tombstones.Add(_id, Noon.AddSeconds(1));
        tombstones.Told(_id, Noon, ["glance-1"]); // late news of the first one
        Assert.That(tombstones.MissedBy("glance-1", Later).Single().Tombstone.DeletedAt, Is.EqualTo(Noon.AddSeconds(1)));
    }

    [Test]
    public void Hear_OfAnotherPodsDeletion_IsRememberedAndToldToNobody()
    {
        using var directory = new TempDirectory();
        Open(directory).Hear(_id, Noon);
        var restarted = Open(directory);
        Assert.That(restarted.MissedBy("glance-1", Later), Is.Empty);
        Assert.That((restarted.Covers(_id, Noon), restarted.Covers(_id, Noon.AddTicks(1))), Is.EqualTo((true, false)));
        restarted.Add(_id, Noon); // now this pod is asked for it as well
        Assert.That(Open(directory).MissedBy("glance-1", Later).Single().Id, Is.EqualTo(_id));
    }

    [Test]
    public void Hear_OfANewerDeletionThanItsOwn_IsToldOn()
    {
        using var directory = new TempDirectory();
        var tombstones = Open(directory);
        tombstones.Add(_id, Noon);
        tombstones.Told(_id, Noon, ["glance-1"]);
        tombstones.Hear(_id, Noon.AddSeconds(1));
        Assert.That(tombstones.MissedBy("glance-1", Later).Single().Tombstone.DeletedAt, Is.EqualTo(Noon.AddSeconds(1)));
    }

    [Test]
    public void HoldBack_WhileItsPeersAreBeingTold_MissedByLeavesItOut()
    {
        using var directory = new TempDirectory();
        var tombstones = Open(directory);
        using (tombstones.HoldBack(_id))
        {
            using (tombstones.HoldBack(_id)) tombstones.Add(_id, Noon);
            Assert.That(tombstones.MissedBy("glance-1", Later), Is.Empty, "another caller is still telling");
        }

        Assert.That(tombstones.MissedBy("glance-1", Later).Single().Id, Is.EqualTo(_id));
    }

    [Test]
    public void MissedBy_OfADeletionInTheFuture_LeavesItOutUntilThen()
    {
        using var directory = new TempDirectory();
        var tombstones = Open(directory);
        tombstones.Add(_id, Noon);
        Assert.That(tombstones.MissedBy("glance-1", Noon.AddHours(-1)), Is.Empty, "the clock was set back");
        Assert.That(tombstones.MissedBy("glance-1", Noon.AddMilliseconds(-1)), Has.Count.EqualTo(1), "less than clocks differ");
        Assert.That(tombstones.MissedBy("glance-1", Noon), Has.Count.EqualTo(1));
    }

    [Test]
    public void Restart_SetsAsideWhatIsNoTombstone()
    {
        using var directory = new TempDirectory();
        var layout = new StagingLayout(directory.Path);
        Open(directory).Add(_id, Noon);
        string[] texts = ["", "{}", "{\"deleted_at\":null,\"told\":[]}", "{\"deleted_at\":\"2026-01-01T00:00:00Z\",\"told\":[null]}"];
        foreach (var text in texts) File.WriteAllText(layout.Tombstone(ImageId.New()), text);
        foreach (var kind in Planted.Kinds.Where(kind => kind != "link to a file")) Planted.At(layout.Tombstone(ImageId.New()), kind);
        var damaged = texts.Length + Planted.Kinds.Count - 1;
        var restarted = Open(directory);
        Assert.That(restarted.MissedBy("glance-1", Later).Select(missed => missed.Id), Is.EqualTo(new[] { _id }));
        Assert.That(DamagedRecords.Count(layout), Is.EqualTo(damaged));
    }

    [Test]
    public void Restart_AfterAKillWhileATombstoneWasWritten_RemovesWhatWasUnfinished()
    {
        using var directory = new TempDirectory();
        var layout = new StagingLayout(directory.Path);
        Open(directory).Add(_id, Noon);
        var unfinished = layout.Tombstone(_id) + ".tmp";
        File.Copy(layout.Tombstone(_id), unfinished);
        Assert.That(Open(directory).MissedBy("glance-1", Later).Single().Id, Is.EqualTo(_id));
        Assert.That((File.Exists(unfinished), DamagedRecords.Count(layout)), Is.EqualTo((false, 0)));
    }

    [Test]
    public void Sweep_OfADeletionFarInTheFuture_KeepsIt()
    {
        using var directory = new TempDirectory();
        var tombstones = Open(directory);
        tombstones.Add(_id, DateTimeOffset.MaxValue);
        Assert.That(tombstones.Sweep(Noon), Is.Zero);
    }

    [Test]
    public void Sweep_RemovesThoseOlderThanTheRetention()
    {
        using var directory = new TempDirectory();
        var tombstones = Open(directory);
        var later = ImageId.New();
        tombstones.Add(_id, Noon);
        tombstones.Add(later, Noon.AddDays(1));
        tombstones.Sweep(Noon + new PeersOptions().TombstoneRetention + TimeSpan.FromHours(1));
        Assert.That(tombstones.MissedBy("glance-1", Later).Single().Id, Is.EqualTo(later));
        Assert.That(Open(directory).MissedBy("glance-1", Later).Single().Id, Is.EqualTo(later));
    }

    [Test]
    public void Sweep_WithADeletionAtTheEndOfTime_KeepsIt()
    {
        using var directory = new TempDirectory();
        Open(directory).Add(_id, DateTimeOffset.MaxValue);
        Assert.That(Open(directory).Sweep(Noon), Is.Zero);
    }

    [TestCase("")]
    [TestCase("{}")]
    [TestCase("[1]")]
    public void Open_WithAFileThatIsNone_RemovesIt(string content)
    {
        using var directory = new TempDirectory();
        Open(directory).Add(_id, Noon);
        var stray = Path.Combine(directory.Path, ".sidecar", "tombstones", ImageId.New().ToString());
        File.WriteAllText(stray, content);
        Assert.That(Open(directory).MissedBy("glance-1", Later).Single().Id, Is.EqualTo(_id));
        Assert.That(File.Exists(stray), Is.False);
    }

    private static Tombstones Open(TempDirectory directory)
    {
        Directory.CreateDirectory(Path.Combine(directory.Path, ".sidecar"));
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        return new Tombstones(
            new StagingLayout(directory.Path), Options.Create(new PeersOptions()),
            new ForwardingMetrics(services.GetRequiredService<IMeterFactory>()), NullLogger<Tombstones>.Instance);
    }
}
