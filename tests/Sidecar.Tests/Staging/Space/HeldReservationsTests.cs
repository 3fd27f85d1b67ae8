using System.Buffers;
using NUnit.Framework;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;

namespace Sidecar.Tests.Staging.Space;

[CancelAfter(30_000)]
internal sealed class HeldReservationsTests
{
    private const long VolumeBytes = 10_000;

    private readonly ImageId _id = ImageId.New();

    [Test]
    public void Reserve_UntilDisposed_CountsAsReserved()
    {
        using var staging = Open();
        using (var held = staging.Area.Reserve(_id, 600, "project"))
        {
            Assert.That((Reserved(staging), held.RemainingBytes), Is.EqualTo((600L, 600L)));
        }

        Assert.That(Reserved(staging), Is.Zero);
    }

    [TestCase(20_000, "true")]
    [TestCase(9_900, "false")]
    public void Reserve_MoreThanThereIs_SaysWhetherWaitingHelps(long bytes, string never)
    {
        using var staging = Open();
        using var other = staging.Area.Reserve(ImageId.New(), 500, "");
        var refusal = Refusal(() => staging.Area.Reserve(_id, bytes, ""), StagingError.NoSpace);
        Assert.That(refusal.Facts["never"], Is.EqualTo(never));
        Assert.That(refusal.Facts.ContainsKey("retry_after_seconds"), Is.EqualTo(never == "false"));
    }

    [Test]
    public void Reserve_MoreThanAnImageMayHave_NeverHelps()
    {
        using var staging = Open(options => options.MaxImageBytes = 100);
        Assert.That(
            Refusal(() => staging.Area.Reserve(_id, 101, ""), StagingError.NoSpace).Facts["never"], Is.EqualTo("true"));
    }

    [Test]
    public void Adjust_FewerAndMore_SetsWhatIsLeft()
    {
        using var staging = Open();
        using var held = staging.Area.Reserve(_id, 600, "");
        staging.Area.Reservations.Adjust(held.Id, 100);
        Assert.That(Reserved(staging), Is.EqualTo(100));
        staging.Area.Reservations.Adjust(held.Id, 9_000);
        Assert.That(Reserved(staging), Is.EqualTo(9_000));
        Refusal(() => staging.Area.Reservations.Adjust(held.Id, VolumeBytes + 1), StagingError.NoSpace);
        Assert.That(Reserved(staging), Is.EqualTo(9_000), "as it was");
    }

    [Test]
    public void Adjust_AfterItsEnd_IsNotFound()
    {
        using var staging = Open();
        var held = staging.Area.Reserve(_id, 600, "");
        held.Dispose();
        Refusal(() => staging.Area.Reservations.Adjust(held.Id, 5), StagingError.ReservationNotFound);
        Assert.That(Reserved(staging), Is.Zero);
    }

    [Test]
    public async Task Begin_WithAReservation_TakesItsSpaceOver()
    {
        using var staging = Open();
        using var held = staging.Area.Reserve(_id, 9_000, "");
        var header = staging.Header(_id, 9_000) with { ReservationId = held.Id };
        await using (await staging.Area.BeginUploadAsync(header, null, default))
        {
            Assert.That((Reserved(staging), held.RemainingBytes), Is.EqualTo((9_000L, 0L)), "counted once");
        }

        Assert.That(Reserved(staging), Is.Zero, "the upload has ended");
    }

    [Test]
    public async Task Begin_WithoutASize_UsesWhatWasReserved()
    {
        using var staging = Open(options => options.ReservationStepBytes = 1 << 20);
        using var held = staging.Area.Reserve(_id, 9_000, "");
        using var rest = staging.Area.Reserve(ImageId.New(), 1_000, "");
        var header = staging.Header(_id) with { ReservationId = held.Id };
        await using var writer = await staging.Area.BeginUploadAsync(header, null, default);
        writer.Append(new ReadOnlySequence<byte>(new byte[9_000]), null, null);
        Assert.That(Reserved(staging), Is.EqualTo(1_000));
    }

    [Test]
    public async Task Begin_WithAReservationOfAnotherImage_IsRefused()
    {
        using var staging = Open();
        using var held = staging.Area.Reserve(ImageId.New(), 10, "");
        var header = staging.Header(_id, 10) with { ReservationId = held.Id };
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => staging.Area.BeginUploadAsync(header, null, default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.ReservationNotFound));
        Assert.That(held.RemainingBytes, Is.EqualTo(10));
    }

    [Test]
    public async Task Adopt_WithAReservation_GivesBackWhatIsLeft()
    {
        using var staging = Open();
        using var held = staging.Area.Reserve(_id, 600, "");
        var path = Path.Combine(staging.Layout.Directory, "part");
        await File.WriteAllBytesAsync(path, new byte[100]);
        await staging.Area.AdoptAsync(
            new AdoptRequest(_id, path, null, new Dictionary<string, string>(), "", held.Id), default);
        Assert.That(Reserved(staging), Is.Zero);
    }

    [Test]
    public async Task GetUpload_OfAReservedImage_IsReservedUnlessAWriterHasIt()
    {
        using var staging = Open();
        await staging.UploadAsync(_id, new byte[100]);
        using (staging.Area.Reserve(_id, 0, ""))
        {
            Assert.That(Shown(), Is.EqualTo((UploadState.Reserved, 100L)), "the suspended part is there still");
            await using (await staging.Area.BeginUploadAsync(staging.Header(_id), 100, default))
            {
                Assert.That(Shown().State, Is.EqualTo(UploadState.Receiving));
            }

            await staging.Area.AbortUploadAsync(_id, default);
            Assert.That(Shown(), Is.EqualTo((UploadState.Reserved, 0L)));
            Assert.That(staging.Area.ListUploads().Count(), Is.EqualTo(1));
            Assert.That(staging.Area.ActiveUploads, Is.EqualTo(1));
        }

        Assert.That(staging.Area.TryGetUpload(_id), Is.Null);

        (UploadState State, long Offset) Shown()
        {
            var upload = staging.Area.GetUpload(_id);
            return (upload.State, upload.ReceivedOffset);
        }
    }

    [Test]
    public async Task RefuseNew_OfAReservedImage_LetsItsUploadBegin()
    {
        using var staging = Open();
        using var held = staging.Area.Reserve(_id, 10, "");
        staging.Area.RefuseNew();
        Refusal(() => staging.Area.Reserve(_id, 10, ""), StagingError.Draining);
        await using var writer = await staging.Area.BeginUploadAsync(
            staging.Header(_id, 10) with { ReservationId = held.Id }, null, default);
        writer.Append(new ReadOnlySequence<byte>(new byte[10]), null, null);
        await writer.CommitAsync(StagingFixture.Finish(10), default);
        Assert.That(staging.Area.GetImage(_id).Size, Is.EqualTo(10));
    }

    [Test]
    public async Task Drain_WhileSpaceIsHeld_TakesItBackAndTellsTheHolder()
    {
        using var staging = Open();
        using var held = staging.Area.Reserve(_id, 10, "");
        staging.Area.Drain();
        Assert.That(() => held.Revoked.IsCancellationRequested, Is.True.After(10_000, 5));
        Assert.That((Reserved(staging), staging.Area.ActiveUploads), Is.EqualTo((0L, 0)));
        var header = staging.Header(_id, 10) with { ReservationId = held.Id };
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => staging.Area.BeginUploadAsync(header, null, default)))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.Draining));
    }

    private static StagingFixture Open(Action<StagingOptions>? configure = null)
    {
        var staging = new StagingFixture(configure) { Space = () => new VolumeSpace(VolumeBytes, VolumeBytes) };
        return staging;
    }

    private static long Reserved(StagingFixture staging) => staging.Area.Space.Snapshot().ReservedBytes;

    private static StagingException Refusal(Action action, StagingError error)
    {
        var refusal = Assert.Throws<StagingException>(action)!;
        Assert.That(refusal.Error, Is.EqualTo(error));
        return refusal;
    }
}
