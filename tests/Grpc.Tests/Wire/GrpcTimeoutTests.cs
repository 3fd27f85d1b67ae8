using Grpc.Wire;

namespace Grpc.Tests.Wire;

public sealed class GrpcTimeoutTests
{
    [TestCase("1H", 3_600_000)]
    [TestCase("2M", 120_000)]
    [TestCase("30S", 30_000)]
    [TestCase("1500m", 1500)]
    [TestCase("250000u", 250)]
    [TestCase("99999999n", 99.9999)]
    [TestCase("0m", 0)]
    public void TryParse_EveryUnit_GivesTheTime(string text, double milliseconds)
    {
        Assert.That(GrpcTimeout.TryParse(text, out var timeout), Is.True);
        Assert.That(timeout.TotalMilliseconds, Is.EqualTo(milliseconds).Within(0.0001));
    }

    [TestCase("")]
    [TestCase("S")]
    [TestCase("5")]
    [TestCase("5s")]
    [TestCase("-5S")]
    [TestCase("+5S")]
    [TestCase(" 5S")]
    [TestCase("1.5S")]
    [TestCase("123456789S")]
    public void TryParse_Malformed_IsRefused(string text) =>
        Assert.That(GrpcTimeout.TryParse(text, out _), Is.False);

    [Test]
    public void TryParse_LongestPossible_DoesNotOverflow()
    {
        Assert.That(GrpcTimeout.TryParse("99999999H", out var timeout), Is.True);
        Assert.That(timeout, Is.GreaterThan(TimeSpan.FromDays(365)));
    }

    [TestCase(1, "1000u")]
    [TestCase(20_000, "20000000u")]
    [TestCase(200_000, "200000m")]
    [TestCase(0, "1u")]
    [TestCase(-5, "1u")]
    public void Format_Milliseconds_UsesTheFinestUnitThatFits(double milliseconds, string text) =>
        Assert.That(GrpcTimeout.Format(TimeSpan.FromMilliseconds(milliseconds)), Is.EqualTo(text));

    [Test]
    public void Format_PartOfAUnit_RoundsUp() =>
        Assert.That(GrpcTimeout.Format(TimeSpan.FromTicks(11)), Is.EqualTo("2u"));

    [Test]
    public void Format_LongestPossible_ReadsBack() =>
        Assert.That(GrpcTimeout.TryParse(GrpcTimeout.Format(TimeSpan.MaxValue), out _), Is.True);
}
