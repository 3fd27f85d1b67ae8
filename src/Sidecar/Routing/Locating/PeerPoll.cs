using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Forwarding;
using Sidecar.Telemetry;

namespace Sidecar.Routing.Locating;

/// <summary>Asks all peers the same at once, on behalf of a caller.</summary>
internal sealed class PeerPoll(PeerDirectory directory, IOptions<PeersOptions> options, TimeProvider clock)
{
    // Of pods that left with nothing. One that was started again answers; the others are not waited for.
    private static readonly TimeSpan GraceOfLeft = TimeSpan.FromMilliseconds(500);

    /// <summary>Returns when all peers answered, or <c>Peers:LocateTimeout</c> has passed, or an answer is enough.</summary>
    /// <param name="subject">What is looked for, in words.</param>
    /// <param name="ask">Answers null when the peer has nothing of the kind.</param>
    /// <param name="wait">How long to wait for the others once there is this answer; null: as before.</param>
    /// <param name="metadata">Of the calls, as <see cref="ForwardMark"/> has it.</param>
    /// <exception cref="PeerException"><see cref="PeerError.LocateIncomplete"/>: the peers are not known yet.</exception>
    public async Task<PollOutcome<T>> AskAllAsync<T>(
        string subject, Func<Peer, CallOptions, Task<T?>> ask, Func<T, TimeSpan?> wait, Metadata metadata, CancellationToken callerGone)
        where T : class
    {
        using var limit = new CancellationTokenSource(options.Value.LocateTimeout, clock);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, callerGone);
        await WaitForMembersAsync(subject, waiting.Token);
        var everybody = directory.Everybody;
        var awaited = everybody.Where(peer => peer.State.LeftAs is null).ToHashSet();
        var asked = awaited.Count;
        if (asked == 0) limit.CancelAfter(GraceOfLeft);
        var call = new CallOptions(metadata, (clock.GetUtcNow() + options.Value.LocateTimeout).UtcDateTime, waiting.Token);
        var answers = new List<(Peer Peer, T Answer)>();
        var silent = new List<string>();
        await foreach (var answered in Task.WhenEach(everybody.Select(peer => AskAsync(peer, ask, call))))
        {
            var (peer, hasAnswered, answer) = await answered;
            var isAwaited = awaited.Remove(peer);
            if (!hasAnswered && isAwaited) silent.Add(peer.Name);
            if (answer is not null)
            {
                answers.Add((peer, answer));
                if (!isAwaited) directory.AskNow(peer); // it is back
                if (wait(answer) is { } left) limit.CancelAfter(left);
            }

            if (isAwaited && awaited.Count == 0) limit.CancelAfter(answers.Count > 0 ? TimeSpan.Zero : GraceOfLeft);
        }

        callerGone.ThrowIfCancellationRequested();
        silent.Sort(StringComparer.Ordinal);
        return new PollOutcome<T>(answers, asked, silent);
    }

    // Just after the start nobody may be known yet, and "nowhere" would be said of what a peer has.
    private async Task WaitForMembersAsync(string subject, CancellationToken waiting)
    {
        try
        {
            await directory.Ready.WaitAsync(waiting);
        }
        catch (OperationCanceledException)
        {
            throw new PeerException(
                PeerError.LocateIncomplete,
                $"Nobody can be asked for {subject} yet: the peers could not be looked up. Try again in a moment.",
                ("silent", ""), ("asked", 0), ("retry_after_seconds", Forwarder.RetryAfterSeconds));
        }
    }

    // A peer of an older version, which does not know the question, has not answered it either.
    private static async Task<(Peer Peer, bool HasAnswered, T? Answer)> AskAsync<T>(
        Peer peer, Func<Peer, CallOptions, Task<T?>> ask, CallOptions call)
        where T : class
    {
        try
        {
            return (peer, true, await ask(peer, call));
        }
        catch (RpcException failure)
        {
            // It is this pod under another address, and this pod's table was looked at before.
            return (peer, Refusal.ReasonOf(failure) == PeerError.ForwardLoop.Reason(), null);
        }
    }
}
