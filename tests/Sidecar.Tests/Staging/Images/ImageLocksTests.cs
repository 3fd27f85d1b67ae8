using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Staging.Images;

namespace Sidecar.Tests.Staging.Images;

[CancelAfter(60_000)]
internal sealed class ImageLocksTests
{
    private readonly ImageLocks _gates = new();
    private readonly ImageId _id = ImageId.New();

    // The sender reconnects while its dead connection is being cleared away: there is no newer writer.
    [Test]
    public async Task EnterAsWriter_WhileTheHolderLeaves_IsNotTakenOver(CancellationToken deadline)
    {
        for (var round = 0; round < 100_000; round++)
        {
            var holder = await _gates.EnterAsync(_id, StagingError.UploadAborted, deadline);
            var leaving = Task.Run(holder.Dispose, deadline);
            var writer = await _gates.EnterAsWriterAsync(_id, deadline);
            await leaving;
            writer.Dispose();
        }
    }

    [Test]
    public async Task Enter_JustAfterTheHolderLeft_ReachesTheNextOne(CancellationToken deadline)
    {
        var holder = await _gates.EnterAsync(_id, StagingError.UploadAborted, deadline);
        var writer = _gates.EnterAsync(_id, StagingError.UploadTakenOver, deadline);
        holder.Dispose();
        var delete = _gates.EnterAsync(_id, StagingError.UploadAborted, deadline);
        var next = await writer;
        Assert.That(next.RevokedFor, Is.EqualTo(StagingError.UploadAborted));
        next.Dispose();
        (await delete).Dispose();
    }

    [Test]
    public async Task EnterAsWriter_SomebodyRemovesTheImageMeanwhile_IsRefusedWhenItsTurnComes(CancellationToken deadline)
    {
        var holder = await _gates.EnterAsWriterAsync(_id, deadline);
        var writer = _gates.EnterAsWriterAsync(_id, deadline);
        var delete = _gates.EnterAsync(_id, StagingError.UploadAborted, deadline);
        holder.Dispose();
        var refusal = (await Assert.ThrowsAsync<StagingException>(() => writer))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.UploadAborted));
        (await delete).Dispose();
    }

    [Test]
    public async Task Enter_GivenUp_LetsTheNextOneIn(CancellationToken deadline)
    {
        var holder = await _gates.EnterAsync(_id, StagingError.UploadAborted, deadline);
        using var impatience = new CancellationTokenSource();
        var givenUp = _gates.EnterAsync(_id, StagingError.UploadAborted, impatience.Token);
        var next = _gates.EnterAsync(_id, StagingError.UploadAborted, deadline);
        await impatience.CancelAsync();
        await Assert.ThatAsync(() => givenUp, Throws.InstanceOf<OperationCanceledException>());
        holder.Dispose();
        (await next).Dispose();
        Assert.That(_gates.TryEnter(_id, out var last), Is.True, "nothing is left of them");
        last!.Dispose();
    }

    [Test]
    public async Task TryEnter_SomebodyIsInside_DisturbsNobody(CancellationToken deadline)
    {
        using var holder = await _gates.EnterAsWriterAsync(_id, deadline);
        Assert.That(_gates.TryEnter(_id, out _), Is.False);
        Assert.That(holder.RevokedFor, Is.Null);
    }
}
