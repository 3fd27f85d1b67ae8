using NUnit.Framework;
using Sidecar.Peers.Membership;

namespace Sidecar.Tests.Peers;

/// <summary>What a pod makes of the times that a peer with another clock tells.</summary>
internal sealed class PeerClockTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Measure_ABetterAnswerThanHalfTheWay_IsNotClaimed()
    {
        var clock = PeerClock.Measure(Noon, Seconds(2), Noon + Seconds(11));
        Assert.That((clock.Ahead, clock.Error), Is.EqualTo((Seconds(10), Seconds(1))));
    }

    [Test]
    public void Moments_OfAClockThatIsApart_AreConvertedWithinTheError()
    {
        var clock = new PeerClock(Seconds(10), Seconds(1));
        Assert.That(
            (clock.Earliest(Noon), clock.Here(Noon), clock.Latest(Noon)),
            Is.EqualTo((Noon - Seconds(11), Noon - Seconds(10), Noon - Seconds(9))));
        var behind = new PeerClock(Seconds(-10), Seconds(1));
        Assert.That(
            (behind.Earliest(Noon), behind.Here(Noon), behind.Latest(Noon)),
            Is.EqualTo((Noon + Seconds(9), Noon + Seconds(10), Noon + Seconds(11))));
    }

    [Test]
    public void Moments_OfAClockThatAgreesOrIsUnknown_AreTakenAsTheyAre()
    {
        foreach (var clock in new[] { PeerClock.Unknown, new PeerClock(Seconds(1), Seconds(1)) })
        {
            Assert.That((clock.Earliest(Noon), clock.Here(Noon), clock.Latest(Noon)), Is.EqualTo((Noon, Noon, Noon)));
        }
    }

    [Test]
    public void Moments_AtTheEndsOfTheCalendar_StayThere()
    {
        var (ahead, behind) = (new PeerClock(Seconds(10), Seconds(1)), new PeerClock(Seconds(-10), Seconds(1)));
        Assert.That(ahead.Earliest(DateTimeOffset.MinValue), Is.EqualTo(DateTimeOffset.MinValue));
        Assert.That(behind.Latest(DateTimeOffset.MaxValue), Is.EqualTo(DateTimeOffset.MaxValue));
    }

    [TestCase(1, 2, 10, ExpectedResult = 1, Description = "more exact")]
    [TestCase(2, 1, 10, ExpectedResult = 1, Description = "less exact")]
    [TestCase(1, 2, 61, ExpectedResult = 2, Description = "old")]
    public int Or_OfTwoThatAgree_TheMoreExactCountsForAWhile(int error, int newerError, int between) =>
        (int)new PeerClock(Seconds(10), Seconds(error))
            .Or(new PeerClock(Seconds(11), Seconds(newerError)), Seconds(between)).Error.TotalSeconds;

    [Test]
    public void Or_OfAClockThatWasSet_TheNewerCounts()
    {
        var newer = new PeerClock(Seconds(-50), Seconds(2));
        Assert.That(new PeerClock(Seconds(10), Seconds(1)).Or(newer, Seconds(1)), Is.EqualTo(newer));
        Assert.That(PeerClock.Unknown.Or(newer, TimeSpan.FromDays(100)), Is.EqualTo(newer));
    }

    [TestCase(0, 0.1, ExpectedResult = false)]
    [TestCase(1.5, 1, ExpectedResult = false)]
    [TestCase(-1.5, 0.1, ExpectedResult = true)]
    public bool IsWrong_WhenItIsSurelyMoreThanASecond(double ahead, double error) =>
        new PeerClock(TimeSpan.FromSeconds(ahead), TimeSpan.FromSeconds(error)).IsWrong;

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}
