using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Staging.Core;
using Sidecar.Telemetry;

namespace Sidecar.Routing.Locating;

/// <summary>Asks all peers at once for an unfinished upload of an image.</summary>
internal sealed class UploadLocator(PeerPoll poll, ForwardMark mark)
{
    /// <summary>Somebody sends it, or is about to: no other pod's upload counts beside that.</summary>
    public static bool IsActive(Glance.Sidecar.V1.Upload upload) => upload.State is
        Glance.Sidecar.V1.Upload.Types.State.Receiving or Glance.Sidecar.V1.Upload.Types.State.Reserved;

    /// <summary>Which one counts: an active one, else the one that was active last.</summary>
    /// <param name="here">This pod's own, or null.</param>
    /// <exception cref="PeerException">
    /// <see cref="PeerError.LocateIncomplete"/>: none is active on the pods that answered, and somebody did not answer.
    /// </exception>
    /// <exception cref="StagingException"><see cref="StagingError.UploadNotFound"/>: on no pod.</exception>
    public async Task<Glance.Sidecar.V1.Upload> FindAsync(
        ImageId id, Glance.Sidecar.V1.Upload? here, ServerCallContext caller)
    {
        if (here is not null && IsActive(here)) return here;
        var outcome = await AskAllAsync(id, mark.Metadata(caller), caller.CancellationToken);
        var best = Best(outcome.Answers.Select(found => found.Answer).Concat(here is null ? [] : [here]));
        if (best is not null && (IsActive(best) || outcome.Silent.Count == 0)) return best;
        if (outcome.Silent.Count > 0) throw outcome.Incomplete($"Nobody who answered is receiving image {id}");
        throw new StagingException(
            StagingError.UploadNotFound,
            $"Neither this pod nor one of its {outcome.Asked} peers, which all answered, has an unfinished upload of image "
            + $"{id}.",
            ("peers_asked", outcome.Asked));
    }

    /// <summary>Which one counts of those on the pods that answer; null when none of these has one.</summary>
    /// <exception cref="PeerException"><see cref="PeerError.LocateIncomplete"/>: the peers are not known yet.</exception>
    public async Task<Glance.Sidecar.V1.Upload?> FindElsewhereAsync(ImageId id, CancellationToken callerGone)
    {
        var outcome = await AskAllAsync(id, mark.Metadata(), callerGone);
        return Best(outcome.Answers.Select(found => found.Answer));
    }

    private Task<PollOutcome<Glance.Sidecar.V1.Upload>> AskAllAsync(ImageId id, Metadata metadata, CancellationToken callerGone)
    {
        var request = new GetUploadRequest { ImageId = id.ToString(), Forwarded = mark.Message() };
        return poll.AskAllAsync(
            $"an upload of image {id}",
            (peer, call) => AskAsync(peer, request, call),
            upload => IsActive(upload) ? TimeSpan.Zero : null,
            metadata,
            callerGone);
    }

    private static Glance.Sidecar.V1.Upload? Best(IEnumerable<Glance.Sidecar.V1.Upload> uploads) => uploads
        .OrderByDescending(IsActive).ThenByDescending(upload => PeerTime.Read(upload.LastActiveAt)).FirstOrDefault();

    private static async Task<Glance.Sidecar.V1.Upload?> AskAsync(
        Peers.Membership.Peer peer, GetUploadRequest request, CallOptions call)
    {
        try
        {
            var upload = await peer.Staging.GetUploadAsync(request, call);
            upload.Owner = peer.Name;
            return upload;
        }
        catch (RpcException nothing) when (Refusal.ReasonOf(nothing) == StagingError.UploadNotFound.Reason())
        {
            return null;
        }
    }
}
