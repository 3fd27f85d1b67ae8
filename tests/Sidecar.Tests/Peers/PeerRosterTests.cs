using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Sidecar.Peers.Discovery;
using Sidecar.Peers.Membership;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Peers;

/// <summary>Who is a member, by records and answers that the test makes up.</summary>
internal sealed class PeerRosterTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly PeerRoster _roster;

    public PeerRosterTests() => _roster = Create();

    [Test]
    public void Resolved_OwnName_IsLeftOut()
    {
        Records("glance-0=10.0.0.1:1", "glance-1=10.0.0.2:1");
        Assert.That(Names, Is.EqualTo(["glance-1"]));
    }

    [Test]
    public void Asked_OwnInstanceAnswers_TheAddressIsLeftOutFromThenOn()
    {
        Records("10.0.0.1:1", "10.0.0.2:1");
        _roster.Asked(_roster.Members[0], ProbeOutcome.Self);
        Records("10.0.0.1:1", "10.0.0.2:1");
        Assert.That(Names, Is.EqualTo(["10.0.0.2:1"]));
    }

    [Test]
    public void Resolved_SamePodOtherAddress_ReplacesItsEntry()
    {
        Records("glance-1=10.0.0.2:1");
        Answer("10.0.0.2:1", "glance-1", "i");
        var before = _roster.Members[0];
        Records("glance-1=10.0.0.9:1");
        Assert.That(_roster.Members, Has.Count.EqualTo(1).And.Not.Contain(before));
        Assert.That(Only.Address.ToString(), Is.EqualTo("10.0.0.9:1"));
        Assert.That((Only.State.Reachable, Only.State.Instance), Is.EqualTo((false, "i")));
    }

    [Test]
    public void Resolved_NothingNew_KeepsTheEntry()
    {
        Records("glance-1=10.0.0.2:1");
        var before = Only;
        Records("glance-1=10.0.0.2:1");
        Assert.That(Only, Is.SameAs(before));
    }

    [Test]
    public void Asked_UnnamedAddressTurnsOutToBeAKnownPod_TheNewAddressStays()
    {
        Records("10.0.0.2:1");
        Answer("10.0.0.2:1", "glance-1", "i");
        Records("10.0.0.9:1");
        Lose("10.0.0.2:1");
        Assert.That(_roster.Members, Has.Count.EqualTo(2), "nobody can know yet that they are one");
        Answer("10.0.0.9:1", "glance-1", "j");
        Assert.That((Only.Name, Only.Address.ToString(), Only.State.Absent), Is.EqualTo(("glance-1", "10.0.0.9:1", false)));
    }

    [Test]
    public void Asked_TwoAddressesOfOneProcess_AreOnePeer()
    {
        Records("10.0.0.2:1", "[fd00::2]:1");
        Answer("10.0.0.2:1", "glance-1", "i");
        Answer("[fd00::2]:1", "glance-1", "i");
        Records("10.0.0.2:1", "[fd00::2]:1");
        Assert.That(Only.Address.ToString(), Is.EqualTo("10.0.0.2:1"));

        Lose("10.0.0.2:1");
        Records("10.0.0.2:1", "[fd00::2]:1");
        Assert.That(_roster.Members, Has.Count.EqualTo(2), "the other address is tried when the first one fails");
    }

    [Test]
    public void Resolved_AnotherPodHasTheAddressNow_BothAreMembers()
    {
        Records("10.0.0.2:1");
        Answer("10.0.0.2:1", "glance-1", "i");
        Only.Update(state => state with { Reachable = false, Displaced = true });
        Records("10.0.0.2:1");
        Answer("10.0.0.2:1", "glance-2", "j", unnamed: true);
        Assert.That(Names, Is.EquivalentTo(["glance-1", "glance-2"]));
        Assert.That(Find("glance-1").State.Absent, Is.True);
    }

    [Test]
    public void Resolved_RecordGone_IsAbsentUntilItIsForgotten()
    {
        Records("glance-1=10.0.0.2:1");
        Records();
        Assert.That(Only.State.AbsentSince, Is.EqualTo(_clock.GetUtcNow()));
        _clock.Advance(TimeSpan.FromHours(23));
        Records();
        Assert.That(Only.State.Absent, Is.True);
        _clock.Advance(TimeSpan.FromHours(1));
        Records();
        Assert.That(_roster.Members, Is.Empty);
    }

    [Test]
    public void Resolved_RecordBack_IsNotAbsentAnyMore()
    {
        Records("glance-1=10.0.0.2:1");
        Records();
        Records("glance-1=10.0.0.2:1");
        Assert.That(Only.State.Absent, Is.False);
    }

    [Test]
    public void Forget_RecordStillThere_GoesWithTheRecord()
    {
        Records("glance-1=10.0.0.2:1", "glance-2=10.0.0.3:1");
        Answer("10.0.0.2:1", "glance-1", "i");
        _roster.Forget("glance-1", "i");
        Assert.That(Find("glance-1").State.LeftAs, Is.EqualTo("i"));
        Records("glance-2=10.0.0.3:1");
        Assert.That(Names, Is.EqualTo(["glance-2"]));
    }

    [Test]
    public void Forget_RecordGoneAlready_GoesAtOnce()
    {
        Records("glance-1=10.0.0.2:1");
        Records();
        _roster.Forget("glance-1", "i");
        Assert.That(_roster.Members, Is.Empty);
    }

    [Test]
    public void Hear_FromOneThatLeft_CountsAgainAsAnotherProcessOnly()
    {
        Records("glance-1=10.0.0.2:1");
        _roster.Forget("glance-1", "i");
        Assert.That(_roster.Hear("glance-1", "i")!.State.LeftAs, Is.EqualTo("i"));
        Assert.That(_roster.Hear("glance-1", "j")!.State.LeftAs, Is.Null);
        Assert.That(_roster.Hear("glance-2", "k"), Is.Null);
    }

    [Test]
    public void Introduce_BeforeItsRecord_IsTheOneThatTheRecordNames()
    {
        Records("10.0.0.3:1");
        _roster.Introduce(new PeerAddress("glance-1", "10.0.0.2", 1));
        _roster.Introduce(new PeerAddress("glance-2", "10.0.0.3", 1));
        Assert.That(Names, Is.EquivalentTo(["glance-1", "glance-2"]));
        var before = _roster.Members;
        Records("glance-1=10.0.0.2:1", "10.0.0.3:1");
        Assert.That(_roster.Members, Is.EquivalentTo(before));
        Assert.That(_roster.Members.Select(peer => peer.State.Absent), Has.All.False);
    }

    [Test]
    public void Restore_WhatWasKept_CountsFromWhenItWasMissed()
    {
        using var directory = new TempDirectory();
        Records("glance-1=10.0.0.2:1", "10.0.0.3:1");
        Records("10.0.0.3:1");
        new PeerMemory(directory["peers.json"], NullLogger.Instance).Keep(_roster.Members);

        var restarted = Create();
        _clock.Advance(TimeSpan.FromHours(12));
        restarted.Restore(new PeerMemory(directory["peers.json"], NullLogger.Instance).Load());
        restarted.Resolved([]);
        Assert.That(restarted.Members.Select(peer => peer.Name), Is.EquivalentTo(["glance-1", "10.0.0.3:1"]));
        _clock.Advance(TimeSpan.FromHours(12));
        restarted.Resolved([]);
        Assert.That(restarted.Members.Select(peer => peer.Name), Is.EqualTo(["10.0.0.3:1"]), "it was there until the restart");
    }

    [Test]
    public void Load_DamagedFile_IsAsNone()
    {
        using var directory = new TempDirectory();
        File.WriteAllText(directory["peers.json"], "[{");
        Assert.That(new PeerMemory(directory["peers.json"], NullLogger.Instance).Load(), Is.Empty);
    }

    private IEnumerable<string> Names => _roster.Members.Select(peer => peer.Name);

    private Peer Only => _roster.Members.Single();

    private PeerRoster Create() => new(
        "glance-0", address => GrpcChannel.ForAddress("http://" + address).CreateCallInvoker(), TimeSpan.FromDays(1), _clock, NullLogger.Instance);

    private Peer Find(string name) => _roster.Members.Single(peer => peer.Name == name);

    private void Records(params string[] records) => _roster.Resolved(
        [.. records.Select(text => PeerAddress.TryParse(text, out var address) ? address : throw new ArgumentException(text))]);

    private void Answer(string address, string name, string instance, bool unnamed = false)
    {
        var peer = _roster.Members.First(peer => peer.Address.ToString() == address && (!unnamed || peer.State.Name is null));
        peer.Update(state => state with { Name = name, Instance = instance, Reachable = true });
        _roster.Asked(peer, ProbeOutcome.Returned);
    }

    private void Lose(string address)
    {
        var peer = _roster.Members.Single(peer => peer.Address.ToString() == address);
        peer.Update(state => state with { Reachable = false, Failure = "gone" });
        _roster.Asked(peer, ProbeOutcome.Lost);
    }
}
