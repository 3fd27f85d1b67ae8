using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;

namespace Sidecar.Tests.Staging.Space;

internal sealed class SpaceLedgerTests
{
    private long _free = 1000;

    [Test]
    public void Reserve_MoreThanAvailable_NamesNeededAndAvailable()
    {
        var ledger = Ledger();
        using var first = ledger.Reserve(600);
        var refusal = Assert.Throws<StagingException>(() => ledger.Reserve(401))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.NoSpace));
        Assert.That(
            (refusal.Facts["needed"], refusal.Facts["free"], refusal.Facts["reserved"], refusal.Facts["available"]),
            Is.EqualTo(("401", "1000", "600", "400")));
    }

    [Test]
    public void Consume_AsBytesAreWritten_CountsThemOnce()
    {
        var ledger = Ledger();
        using var reservation = ledger.Reserve(600);
        reservation.Consume(200);
        _free -= 200;
        Assert.That(ledger.Snapshot().AvailableBytes, Is.EqualTo(400));
    }

    [Test]
    public void Dispose_Twice_GivesTheRestBackOnce()
    {
        var ledger = Ledger();
        var reservation = ledger.Reserve(600);
        reservation.Consume(100);
        reservation.Dispose();
        reservation.Dispose();
        Assert.That(ledger.Snapshot().ReservedBytes, Is.Zero);
    }

    [Test]
    public void Grow_LessIsLeftThanWanted_TakesWhatIsNeededAtLeast()
    {
        var ledger = Ledger();
        using var reservation = ledger.Reserve(900);
        reservation.Grow(wanted: 500, needed: 60);
        Assert.That(ledger.Snapshot().AvailableBytes, Is.Zero);
        Assert.Throws<StagingException>(() => reservation.Grow(1));
    }

    [Test]
    public void ReserveForUpload_BelowTheLowWatermark_IsRefusedUntilTheHighOne()
    {
        var ledger = Ledger(options => (options.LowWatermarkPercent, options.HighWatermarkPercent) = (20, 40));
        _free = 199;
        Assert.Throws<StagingException>(() => ledger.ReserveForUpload(1));
        _free = 399;
        Assert.Throws<StagingException>(() => ledger.ReserveForUpload(1), "between the watermarks it stays as it was");
        Assert.DoesNotThrow(() => ledger.Reserve(1).Dispose(), "imports are what frees the space");
        _free = 400;
        Assert.DoesNotThrow(() => ledger.ReserveForUpload(1).Dispose());
    }

    private SpaceLedger Ledger(Action<StagingOptions>? configure = null)
    {
        var options = new StagingOptions { ReserveBytes = 0, LowWatermarkPercent = 0, HighWatermarkPercent = 0 };
        configure?.Invoke(options);
        return new SpaceLedger(() => new VolumeSpace(1000, _free), options);
    }
}
