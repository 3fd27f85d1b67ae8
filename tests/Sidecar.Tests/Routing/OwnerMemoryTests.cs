using NUnit.Framework;
using Sidecar.Routing.Locating;

namespace Sidecar.Tests.Routing;

internal sealed class OwnerMemoryTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private readonly OwnerMemory _memory = new();
    private readonly ResourceId _subject = ResourceId.Import(Guid.NewGuid());

    [Test]
    public void Hear_OfAnOlderCopy_ChangesNothing()
    {
        _memory.Hear(_subject, new Copy("newer", Noon, 0));
        _memory.Hear(_subject, new Copy("older", Noon.AddTicks(-1), 0));
        Assert.That(_memory.Find(_subject), Is.EqualTo("newer"));
        _memory.Hear(_subject, new Copy("newest", Noon.AddTicks(1), 0));
        Assert.That(_memory.Find(_subject), Is.EqualTo("newest"));
    }

    [Test]
    public void Remember_AnAnswerThatANewerCopyOvertook_ChangesNothing()
    {
        _memory.Remember(_subject, "older");
        _memory.Hear(_subject, new Copy("newer", Noon, 0)); // while the older one was being asked
        _memory.Remember(_subject, "older");
        Assert.That(_memory.Find(_subject), Is.EqualTo("newer"));
    }

    [Test]
    public void Forget_AnotherOwner_ChangesNothing()
    {
        _memory.Remember(_subject, "one");
        _memory.Forget(_subject, "other");
        Assert.That(_memory.Find(_subject), Is.EqualTo("one"));
        _memory.Forget(_subject, "one");
        Assert.That(_memory.Find(_subject), Is.Null);
    }

    [Test]
    public void Remember_MoreThanItHolds_KeepsWhatIsUsed()
    {
        _memory.Remember(_subject, "used");
        var unused = ResourceId.Import(Guid.NewGuid());
        _memory.Remember(unused, "unused");
        for (var i = 0; i < 70_000; i++)
        {
            _memory.Remember(ResourceId.Import(Guid.NewGuid()), "other");
            if (i % 10_000 == 0) Assert.That(_memory.Find(_subject), Is.EqualTo("used"));
        }

        Assert.That(_memory.Find(_subject), Is.EqualTo("used"));
        Assert.That(_memory.Find(unused), Is.Null);
    }

    [Test]
    public void NewestFirst_AtOneMoment_ChoosesTheSamePodEverywhere()
    {
        var (one, other) = (new Copy("glance-0", Noon, 0), new Copy("glance-1", Noon, 0));
        Assert.That((one.Beats(other), other.Beats(one)), Is.EqualTo((true, false)));
        Assert.That((other with { CommittedAt = Noon.AddTicks(1) }).Beats(one), Is.True);
    }
}
