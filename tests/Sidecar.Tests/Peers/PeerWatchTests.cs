using NUnit.Framework;
using Sidecar.Peers.Membership;

namespace Sidecar.Tests.Peers;

/// <summary>The loop that asks one peer.</summary>
[CancelAfter(60_000)]
internal sealed class PeerWatchTests
{
    [Test]
    public async Task Stop_AQuestionUnderWayFails_EndsWithoutAFailure(CancellationToken deadline)
    {
        var asked = new TaskCompletionSource();
        var watch = PeerWatch.Start(
            async token =>
            {
                asked.SetResult();
                var stopped = new TaskCompletionSource();
                await using var registration = token.Register(stopped.SetResult);
                await stopped.Task;
                throw new InvalidOperationException("as a call that was cancelled may end");
            },
            TimeSpan.FromHours(1),
            deadline);
        await asked.Task.WaitAsync(deadline);
        watch.Stop();
        await watch.Ended.WaitAsync(deadline);
        Assert.That(watch.Ended.IsCompletedSuccessfully, Is.True);
    }

    [Test]
    public async Task Stop_GivesBackWhatIsLinkedToTheDaemon(CancellationToken deadline)
    {
        var asked = new TaskCompletionSource<CancellationToken>();
        var watch = PeerWatch.Start(
            token =>
            {
                asked.TrySetResult(token);
                return Task.CompletedTask;
            },
            TimeSpan.FromHours(1),
            deadline);
        var asking = await asked.Task.WaitAsync(deadline);
        watch.Stop();
        await watch.Ended.WaitAsync(deadline);
        watch.Stop(); // its end and a second stop may meet
        Assert.That(() => asking.WaitHandle, Throws.InstanceOf<ObjectDisposedException>());
    }
}
