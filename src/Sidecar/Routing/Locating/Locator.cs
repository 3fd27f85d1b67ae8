using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Import.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Routing.Core;
using Sidecar.Staging.Core;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Routing.Locating;

/// <summary>Asks all peers at once who has an image or an import.</summary>
internal sealed class Locator(PeerPoll poll, ForwardMark mark, ForwardingMetrics metrics)
{
    /// <summary>
    /// Returns when all peers answered, or <c>Peers:LocateTimeout</c> has passed, or somebody has it: for an import
    /// at once, as it runs on one pod only; for an image after <paramref name="grace"/>, in which a newer copy on
    /// another pod may still turn up. A peer that is down then costs the grace and not the timeout.
    /// </summary>
    /// <exception cref="PeerException"><see cref="PeerError.LocateIncomplete"/>: the peers are not known yet.</exception>
    public Task<LocateOutcome> AskAllAsync(ResourceId subject, TimeSpan grace, ServerCallContext caller) =>
        AskAllAsync(subject, grace, mark.Metadata(caller), caller.CancellationToken);

    /// <summary>As above, for a caller of another kind.</summary>
    /// <exception cref="PeerException"><see cref="PeerError.LocateIncomplete"/>.</exception>
    public async Task<LocateOutcome> AskAllAsync(ResourceId subject, TimeSpan grace, Metadata metadata, CancellationToken callerGone)
    {
        var started = Stopwatch.GetTimestamp();
        var request = subject.ToRequest(mark.Message());
        var isFirst = true;
        var outcome = await poll.AskAllAsync<LocateResponse>(
            subject.ToString(),
            async (peer, call) => await peer.Peers.LocateAsync(request, call) is { Locations.Count: > 0 } found ? found : null,
            _ => Wait(),
            metadata,
            callerGone);
        metrics.LocateTook(Stopwatch.GetElapsedTime(started));
        var copies = outcome.Answers
            .SelectMany(found => found.Answer.Locations.Select(location => (found.Peer, Copy: ToCopy(found.Peer, location))))
            .ToList();
        copies.Sort((one, other) => Copy.NewestFirst(one.Copy, other.Copy));
        return new LocateOutcome(
            [.. copies.Select(found => found.Copy)], outcome.Asked, outcome.Silent,
            copies.Select(found => found.Peer).FirstOrDefault());

        TimeSpan? Wait()
        {
            if (!isFirst) return null;
            isFirst = false;
            return subject.IsImport ? TimeSpan.Zero : grace;
        }
    }

    /// <summary>Everybody was asked, everybody answered, and nobody has it.</summary>
    public static Exception NotFound(ResourceId subject, int asked)
    {
        var message = $"Neither this pod nor one of its {asked} peers, which all answered, has {subject}.";
        return subject.IsImport
            ? new ImportException(ImportError.ImportNotFound, message, ("import_id", subject.Id), ("peers_asked", asked))
            : new StagingException(StagingError.ImageNotFound, message, ("peers_asked", asked));
    }

    /// <summary>Nobody who answered has it, and somebody did not answer.</summary>
    public static PeerException Incomplete(ResourceId subject, LocateOutcome outcome) =>
        new PollOutcome<Copy>([], outcome.Asked, outcome.Silent).Incomplete($"Nobody who answered has {subject}");

    private static Copy ToCopy(Peer owner, Location location) => new(
        owner.Name,
        owner.State.Clock.Here(PeerTime.Read(location.CommittedAt)),
        (long)location.Size);
}
