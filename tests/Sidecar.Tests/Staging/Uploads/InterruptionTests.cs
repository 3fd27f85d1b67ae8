using System.Buffers;
using NUnit.Framework;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;

namespace Sidecar.Tests.Staging.Uploads;

/// <summary>What takes long ends when the caller goes, or when somebody else wants the image.</summary>
[CancelAfter(60_000)]
internal sealed class InterruptionTests
{
    // A hole, whose digest takes a quarter of an hour.
    private const long Terabyte = 1L << 40;

    private readonly ImageId _id = ImageId.New();

    [Test]
    public async Task Commit_TheCallerGoesWhileItDigests_EndsAndKeepsTheUpload()
    {
        using var staging = new StagingFixture();
        using var caller = new CancellationTokenSource();
        await using (var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default))
        {
            writer.AppendZeros(Terabyte, 0);
            var commit = writer.CommitAsync(WithDigest(), caller.Token);
            await caller.CancelAsync();
            await Assert.ThatAsync(() => commit, Throws.InstanceOf<OperationCanceledException>());
        }

        Assert.That(staging.Area.GetUpload(_id).ReceivedOffset, Is.EqualTo(Terabyte));
    }

    [Test]
    public async Task Commit_AbortedWhileItDigests_EndsAndTheUploadGoes()
    {
        using var staging = new StagingFixture();
        var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, default);
        writer.AppendZeros(Terabyte, 0);
        var commit = writer.CommitAsync(WithDigest(), default);
        var abort = staging.Area.AbortUploadAsync(_id, default);
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => commit))!;
        await writer.DisposeAsync();
        Assert.That(refusal.Error, Is.EqualTo(StagingError.UploadAborted));
        Assert.That(await abort, Is.True);
    }

    [Test]
    public async Task Adopt_DeletedWhileItDigests_Ends(CancellationToken deadline)
    {
        var inside = new TaskCompletionSource();
        using var staging = new StagingFixture
        {
            Validate = (_, _, _, _) =>
            {
                inside.SetResult();
                return ImageValidation.Nothing;
            },
        };
        using (var file = File.OpenHandle(staging.Layout.ImageFile(_id), FileMode.Create, FileAccess.Write))
        {
            RandomAccess.SetLength(file, Terabyte);
        }

        var adopt = staging.Area.AdoptAsync(
            new AdoptRequest(
                _id, staging.Layout.ImageFile(_id), null, WithDigest().ExpectedDigests, "", Claim: new ImageClaim("raw", "")),
            deadline);
        await inside.Task.WaitAsync(deadline);
        var outcome = await staging.Area.DeleteImageAsync(_id, deadline);
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => adopt))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.UploadAborted));
        Assert.That(outcome.Existed, Is.True);
        Assert.That(File.Exists(staging.Layout.ImageFile(_id)), Is.False);
    }

    [Test]
    public async Task Adopt_ADrainBeganWhileItWaited_IsRefused(CancellationToken deadline)
    {
        using var staging = new StagingFixture();
        var path = Path.Combine(staging.Layout.Directory, "file");
        await File.WriteAllBytesAsync(path, new byte[5], deadline);
        var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), null, deadline);
        var adopt = staging.Area.AdoptAsync(
            new AdoptRequest(_id, path, null, new Dictionary<string, string>(), ""), deadline);
        staging.Area.RefuseNew();
        await writer.DisposeAsync();
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => adopt))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.Draining));
        Assert.That(File.Exists(path), Is.True);
    }

    [Test]
    public async Task Sweep_SomebodyHasJustContinuedTheUpload_LeavesBothAlone(CancellationToken deadline)
    {
        using var staging = new StagingFixture(options => options.UploadRetention = TimeSpan.FromHours(1));
        await staging.UploadAsync(_id, new byte[10], declaredSize: 100);
        staging.Clock.Advance(TimeSpan.FromHours(2));
        var inside = new TaskCompletionSource();
        using var swept = new ManualResetEventSlim();
        staging.Space = () =>
        {
            inside.TrySetResult();
            swept.Wait(deadline);
            return new VolumeSpace(1 << 20, 1 << 20);
        };
        var resume = staging.Area.BeginUploadAsync(staging.Header(_id), 10, deadline);
        await inside.Task.WaitAsync(deadline);
        Assert.That(await staging.Area.SweepAsync(deadline), Is.Zero);
        swept.Set();
        await using var writer = await resume;
        writer.ThrowIfRevoked();
        writer.Append(new ReadOnlySequence<byte>(new byte[90]), 10, null);
        await writer.CommitAsync(StagingFixture.Finish(100), deadline);
    }

    private static CommitRequest WithDigest() =>
        new(Terabyte, new Dictionary<string, string> { ["sha256"] = new('0', 64) });
}
