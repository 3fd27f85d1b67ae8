using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;
using Sidecar.Stores.Journal;
using Sidecar.Tests.Staging;

namespace Sidecar.Tests.Stores;

/// <summary>Records of writes to stores, also such as nobody wrote.</summary>
internal sealed class StoreJournalTests
{
    private static readonly Guid Source = Guid.NewGuid();

    private static StoreRecord Record => new(
        Source, "ceph", ImageId.New(), RbdTarget.Scheme, new RbdTarget("/etc/ceph/ceph.conf", "glance", "images", 23, default), "mark",
        100, StoreState.Written, DateTimeOffset.UnixEpoch,
        new StoredImage(100, new Dictionary<string, string> { ["md5"] = "00" }, new Dictionary<string, string> { ["fsid"] = "1" }));

    [Test]
    public void Recover_WhatWasWritten_IsThereAgain()
    {
        using var staging = new StagingFixture();
        var record = Record;
        Journal(staging).Write(record);

        var found = Recovered(staging).Find(record.Key)!;

        Assert.That(found with { Image = null }, Is.EqualTo(record with { Image = null }));
        Assert.That(found.Image!.Digests, Is.EqualTo(record.Image!.Digests));
        Assert.That(found.Image.Facts, Is.EqualTo(record.Image.Facts));
    }

    [Test]
    public void Recover_RemovedRecord_IsNotThere()
    {
        using var staging = new StagingFixture();
        var journal = Journal(staging);
        journal.Write(Record);
        journal.Remove(Record.Key);
        Assert.That(Recovered(staging).Records, Is.Empty);
    }

    [TestCase("", "")]
    [TestCase("{", "}")]
    [TestCase("\"mark\": \"mark\",", "")]
    [TestCase("\"mark\": \"mark\"", "\"mark\": null")]
    [TestCase("\"mark\": \"mark\"", "\"mark\": \"\"")]
    [TestCase("\"image\":", "\"other\":")]
    [TestCase("\"pool\": \"images\"", "\"pool\": null")]
    [TestCase("\"pool\": \"images\"", "\"pool\": \"\"")]
    [TestCase("\"order\": 23", "\"order\": 99")]
    [TestCase("\"md5\": \"00\"", "\"md5\": null")]
    [TestCase("\"size\": 100", "\"size\": -1")]
    [TestCase("\"Written\"", "\"Wrote\"")]
    [TestCase("\"ceph\"", "\"../ceph\"")]
    public void Recover_RecordThatMakesNoSense_IsSetAside(string what, string by)
    {
        using var staging = new StagingFixture();
        Journal(staging).Write(Record);
        var path = Path.Combine(staging.Layout.Stores, StoreJournal.NameOf(Record.Key));
        var text = File.ReadAllText(path);
        File.WriteAllText(path, what.Length == 0 ? "" : Replaced(text, what, by));

        Assert.That(Recovered(staging).Records, Is.Empty);

        Assert.That(File.Exists(path), Is.False);
        Assert.That(Directory.EnumerateFiles(staging.Layout.Damaged).Count(), Is.EqualTo(1));
    }

    private static StoreJournal Journal(StagingFixture staging) => new(staging.Layout, NullLogger<StoreJournal>.Instance);

    private static StoreJournal Recovered(StagingFixture staging)
    {
        var journal = Journal(staging);
        journal.Recover();
        return journal;
    }

    private static string Replaced(string text, string what, string by)
    {
        var spaced = text.Contains(what, StringComparison.Ordinal) ? what : what.Replace(": ", ":", StringComparison.Ordinal);
        Assert.That(text, Does.Contain(spaced));
        return text.Replace(spaced, by, StringComparison.Ordinal);
    }
}
