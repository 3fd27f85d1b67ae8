using NUnit.Framework;
using Sidecar.Stores.Writers;

namespace Sidecar.Tests.Stores;

/// <summary>What of a block a store is given.</summary>
internal sealed class DataRunsTests
{
    private const int Unit = DataRuns.UnitBytes;

    [Test]
    public void Of_Zeros_AreNone() => Assert.That(DataRuns.Of(new byte[3 * Unit]), Is.Empty);

    [Test]
    public void Of_NeighbouringUnits_AreOneRun()
    {
        var block = new byte[(5 * Unit) + 10];
        block[Unit] = block[(3 * Unit) - 1] = 1;
        block[^1] = 1;
        Assert.That(DataRuns.Of(block), Is.EqualTo(new[] { (Unit, 3 * Unit), (5 * Unit, block.Length) }));
    }
}
