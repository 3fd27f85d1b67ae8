using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Forwarding;

namespace Sidecar.Peers.Membership;

/// <summary>What asking a peer showed.</summary>
internal enum ProbeOutcome
{
    Unchanged,

    /// <summary>It answers, and did not before, or it is another process than before.</summary>
    Returned,

    /// <summary>It stopped answering.</summary>
    Lost,

    /// <summary>It is this very process under another address.</summary>
    Self,
}

/// <summary>Asks a peer whether it is there, and notes what it says of itself.</summary>
internal sealed class PeerProbe(
    ForwardMark mark, Self self, IOptions<PeersOptions> options, TimeProvider clock, ILogger<PeerProbe> logger)
{
    public async Task<ProbeOutcome> AskAsync(Peer peer, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await peer.Peers.DescribeAsync(
                new DescribeRequest { Forwarded = mark.Message() },
                mark.Metadata(),
                (clock.GetUtcNow() + options.Value.ConnectTimeout).UtcDateTime,
                cancellationToken);
            return answer.Instance == self.Instance ? ProbeOutcome.Self : Note(peer, answer);
        }
        catch (RpcException failure) when (!cancellationToken.IsCancellationRequested)
        {
            // It answered that it is this pod: by the hop guard.
            if (failure.StatusCode == StatusCode.FailedPrecondition) return ProbeOutcome.Self;
            return NoteFailure(peer, failure.Status.Detail);
        }
    }

    private ProbeOutcome Note(Peer peer, Glance.Sidecar.V1.Peer answer)
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
        });
        if (before.Reachable && before.Instance == answer.Instance) return ProbeOutcome.Unchanged;
        PeersLog.PeerReachable(logger, peer.Name, peer.Address.ToString(), answer.Version);
        return ProbeOutcome.Returned;
    }

    private ProbeOutcome NoteFailure(Peer peer, string why)
    {
        var now = clock.GetUtcNow();
        var before = peer.Update(state => state with
        {
            Reachable = false,
            Since = state.Reachable ? now : state.Since,
            Failure = why,
        });
        if (!before.Reachable && before.Failure.Length > 0) return ProbeOutcome.Unchanged;
        PeersLog.PeerUnreachable(logger, peer.Name, peer.Address.ToString(), why);
        return ProbeOutcome.Lost;
    }
}
