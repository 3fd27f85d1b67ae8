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
}
