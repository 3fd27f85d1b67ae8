using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;

namespace Sidecar.Peers.Membership;

/// <summary>What asking a peer showed.</summary>
internal enum ProbeOutcome
{
    Unchanged,

    /// <summary>It answers, and did not before, or it is another process than before.</summary>
    Returned,

    /// <summary>It stopped answering.</summary>
    Lost,

    /// <summary>It is this very pod under another address.</summary>
    Self,
}

/// <summary>Asks a peer whether it is there, and notes what it says of itself.</summary>
internal sealed class PeerProbe(
    ForwardMark mark, PodIdentity self, IOptions<PeersOptions> options, TimeProvider clock, ILogger<PeerProbe> logger)
{
    /// <summary>Answers after <c>Peers:ConnectTimeout</c> at the latest.</summary>
    public async Task<ProbeOutcome> AskAsync(Peer peer, CancellationToken cancellationToken)
    {
        var (askedAt, started) = (clock.GetUtcNow(), clock.GetTimestamp());
        try
        {
            var answer = await peer.DescribeAsync(
                new DescribeRequest { Forwarded = mark.Message(), Port = (uint)options.Value.ListenerPort() },
                mark.Metadata(),
                (clock.GetUtcNow() + options.Value.ConnectTimeout).UtcDateTime,
                cancellationToken);
            var measured = answer.Now is { } told
                ? PeerClock.Measure(askedAt, clock.GetElapsedTime(started), PeerTime.Read(told)) : PeerClock.Unknown;
            return Note(peer, answer, measured);
        }
        catch (RpcException failure) when (!cancellationToken.IsCancellationRequested)
        {
            // It answered that it is this pod: by the hop guard.
            if (failure.StatusCode == StatusCode.FailedPrecondition) return ProbeOutcome.Self;
            return NoteFailure(peer, Explain(peer, failure), displaced: false);
        }
    }

    /// <summary>
    /// Whether the process that called as a pod answers at an address, and takes new work: one that goes would be waited for
    /// when it is gone.
    /// </summary>
    public async Task<bool> IsThereAsync(Peer stranger, Forwarded caller, CancellationToken cancellationToken)
    {
        try
        {
            // Without the port: two pods that do not know each other would ask each other for ever.
            var answer = await stranger.DescribeAsync(
                new DescribeRequest { Forwarded = mark.Message() },
                mark.Metadata(),
                (clock.GetUtcNow() + (options.Value.ConnectTimeout / 2)).UtcDateTime,
                cancellationToken);
            return answer.Name == caller.By && answer.Instance == caller.Instance && !answer.Draining;
        }
        catch (RpcException)
        {
            // Behind an address translation, or a network that only lets it call.
            return false;
        }
    }

    private ProbeOutcome Note(Peer peer, Glance.Sidecar.V1.Peer answer, PeerClock measured)
    {
        if (answer.Instance == self.Instance) return ProbeOutcome.Self;
        if (answer.Name == self.Name)
        {
            PeersLog.SameName(logger, peer.Address.ToString(), self.Name);
            return ProbeOutcome.Self;
        }

        if (peer.State.Name is { } expected && answer.Name != expected)
        {
            return NoteFailure(peer, $"{PeerText.OneLine(answer.Name)} answers at its address", displaced: true);
        }

        NoteClock(peer, measured); // first: whoever hears of its return may compare times with it
        return NoteAnswer(peer, answer);
    }

    private ProbeOutcome NoteAnswer(Peer peer, Glance.Sidecar.V1.Peer answer)
    {
        var now = clock.GetUtcNow();
        var before = peer.Update(state => state with
        {
            Name = answer.Name,
            Reachable = true,
            Since = state.Reachable ? state.Since : now,
            Failure = "",
            Instance = answer.Instance,
            Version = answer.Version,
            Capacity = answer.Capacity,
            Draining = answer.Draining,
            Displaced = false,
            LeftAs = IsLeaving(state.LeftAs, answer) ? state.LeftAs : null,
        });
        if (before.Reachable && before.Instance == answer.Instance && before.LeftAs == peer.State.LeftAs)
        {
            return ProbeOutcome.Unchanged;
        }

        PeersLog.PeerReachable(
            logger, PeerText.OneLine(peer.Name), peer.Address.ToString(), PeerText.OneLine(answer.Version));
        return ProbeOutcome.Returned;
    }

    // After it said good-bye it answers for a while, until it is stopped. Another process, or one that takes new work,
    // is back.
    private static bool IsLeaving(string? leftAs, Glance.Sidecar.V1.Peer answer) =>
        leftAs == answer.Instance && answer.Draining;

    private void NoteClock(Peer peer, PeerClock measured)
    {
        if (!measured.IsKnown) return;
        measured = measured with { MeasuredAt = clock.GetTimestamp() };
        var before = peer.Update(state => state with
        {
            Clock = state.Clock.Or(measured, clock.GetElapsedTime(state.Clock.MeasuredAt, measured.MeasuredAt)),
        }).Clock;
        var now = peer.State.Clock;
        if (now.IsWrong && !before.IsWrong)
        {
            PeersLog.ClockApart(logger, PeerText.OneLine(peer.Name), now.Ahead.TotalSeconds, now.Error.TotalSeconds);
        }
        else if (before.IsWrong && !now.IsWrong)
        {
            PeersLog.ClockAgrees(logger, PeerText.OneLine(peer.Name));
        }
    }

    private ProbeOutcome NoteFailure(Peer peer, string why, bool displaced)
    {
        var now = clock.GetUtcNow();
        var before = peer.Update(state => state with
        {
            Reachable = false,
            Since = state.Reachable ? now : state.Since,
            Failure = why,
            Displaced = displaced,
        });
        if (!before.Reachable && before.Failure.Length > 0) return ProbeOutcome.Unchanged;
        PeersLog.PeerUnreachable(logger, PeerText.OneLine(peer.Name), peer.Address.ToString(), why);
        return ProbeOutcome.Lost;
    }

    private string Explain(Peer peer, RpcException failure)
    {
        if (failure.StatusCode == StatusCode.DeadlineExceeded) return $"no answer within {options.Value.ConnectTimeout:c}";
        var why = Refusal.Why(failure);
        return PeerText.OneLine(failure.Status.DebugException is null ? why : $"{peer.Address} cannot be reached: {why}");
    }
}
