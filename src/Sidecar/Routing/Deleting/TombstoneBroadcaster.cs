using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Background;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Routing.Deleting;

/// <summary>What the peers did when they were notified of a deletion.</summary>
/// <param name="Pending">Names of those that did not answer; they are told when they are back.</param>
internal sealed record DeletionOutcome(bool Existed, long FreedBytes, IReadOnlyList<string> Pending);

/// <summary>Has peers delete an image: at once, and those that were not there then when they return.</summary>
internal sealed class TombstoneBroadcaster(
    Tombstones tombstones, PeerDirectory directory, ForwardMark mark, IOptions<PeersOptions> options, LoopHealth loops,
    TimeProvider clock, ILogger<TombstoneBroadcaster> logger) : PeerRounds("deletions", directory, loops, clock)
{
    // Small calls on one connection; more in flight would only wait for the peer's disk.
    private const int CallsAtOnce = 16;

    private readonly PeerDirectory _directory = directory;
    private readonly TimeProvider _clock = clock;

    /// <summary>
    /// Asks all peers at once; each has <c>Peers:LocateTimeout</c> to answer. The deletion is durable before the first
    /// one is asked; on a disk that takes nothing more it is remembered as long as this process lives.
    /// </summary>
    /// <exception cref="StagingException">
    /// NoSpace, DiskFailed: a peer did not answer, and this pod could not make sure to tell it later. What answered has deleted.
    /// </exception>
    public async Task<DeletionOutcome> TellAllAsync(ImageId id, DateTimeOffset deletedAt, ServerCallContext caller)
    {
        var told = new List<Peer>();
        try
        {
            using var hold = tombstones.HoldBack(id);
            return await TellAllAsync(id, deletedAt, told, caller);
        }
        finally
        {
            // Those that did not answer, perhaps only slow, so that they never return; and those that came meanwhile.
            foreach (var peer in _directory.Peers.Except(told)) MarkForFullSync(peer);
        }
    }

    /// <summary>
    /// Remembers what a peer tells, before it is done here: whoever takes an image from a peer looks after it has begun to, so
    /// that either this deletion finds what is being taken, or the taker finds this deletion.
    /// </summary>
    /// <returns>Null when it is durable; else why not, and it is remembered as long as this process lives.</returns>
    public Task<Exception?> HearAsync(ImageId id, DateTimeOffset deletedAt) => NoteAsync(id, () => tombstones.Hear(id, deletedAt));

    public override Task StartAsync(CancellationToken cancellationToken) =>
        options.Value.Enabled ? base.StartAsync(cancellationToken) : Task.CompletedTask;

    protected override void Collect()
    {
        // What comes up is told at once, by TellAllAsync.
    }

    protected override async Task TellAsync(
        Peer peer, bool everything, CancellationToken cancellationToken)
    {
        if (!everything) return;
        var missed = tombstones.MissedBy(peer.Name, _clock.GetUtcNow());
        var bounds = new ParallelOptions { MaxDegreeOfParallelism = CallsAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(missed, bounds, async (entry, stopping) =>
        {
            await TellAsync(peer, entry.Id, entry.Tombstone.DeletedAt, mark.Metadata(), stopping);
            await NoteAsync(entry.Id, entry.Tombstone.DeletedAt, [peer]);
        });
        if (missed.Count > 0) RoutingLog.DeletionsTold(logger, peer.Name, missed.Count);
    }

    private async Task<DeletionOutcome> TellAllAsync(
        ImageId id, DateTimeOffset deletedAt, List<Peer> told, ServerCallContext caller)
    {
        var forgettable = await NoteAsync(id, () => tombstones.Add(id, deletedAt));
        await WaitForMembersAsync(caller.CancellationToken);
        var peers = _directory.Peers;
        var answers = await Task.WhenAll(peers.Select(
            peer => TryTellAsync(peer, id, deletedAt, mark.Metadata(caller), caller.CancellationToken)));
        told.AddRange(peers.Zip(answers).Where(pair => pair.Second is not null).Select(pair => pair.First));
        await NoteAsync(id, deletedAt, told);
        string[] pending = [.. peers.Except(told).Select(peer => peer.Name).Order(StringComparer.Ordinal)];
        if (pending.Length > 0) RoutingLog.DeletionPending(logger, id, string.Join(", ", pending));
        // Not acknowledged: this process may end before they are back.
        if (pending.Length > 0 && forgettable is not null) throw Forgettable(id, pending, forgettable);
        return new DeletionOutcome(
            answers.Any(answer => answer is { Existed: true }),
            answers.Sum(answer => (long)(answer?.FreedBytes ?? 0)),
            pending);
    }

    private async Task<DeleteImageResponse?> TryTellAsync(
        Peer peer, ImageId id, DateTimeOffset deletedAt, Metadata metadata, CancellationToken cancellationToken)
    {
        try
        {
            return await TellAsync(peer, id, deletedAt, metadata, cancellationToken);
        }
        catch (RpcException)
        {
            return null; // no answer
        }
    }

    private async Task<DeleteImageResponse> TellAsync(
        Peer peer, ImageId id, DateTimeOffset deletedAt, Metadata metadata, CancellationToken cancellationToken) =>
        await peer.Staging.DeleteImageAsync(
            new DeleteImageRequest
            {
                ImageId = id.ToString(), Forwarded = mark.Message(), DeletedAt = deletedAt.ToTimestamp(),
            },
            metadata,
            (_clock.GetUtcNow() + options.Value.LocateTimeout).UtcDateTime,
            cancellationToken);

    // A peer without a name yet is told again when it has one.
    private async Task NoteAsync(ImageId id, DateTimeOffset deletedAt, IEnumerable<Peer> told)
    {
        string[] names = [.. told.Select(peer => peer.State.Name).OfType<string>()];
        if (names.Length == 0) return;
        await NoteAsync(id, () => tombstones.Told(id, deletedAt, names));
    }

    private async Task<Exception?> NoteAsync(ImageId id, Action write)
    {
        try
        {
            await Task.Run(write, CancellationToken.None);
            return null;
        }
        catch (Exception failure) when (DiskFault.Is(failure))
        {
            RoutingLog.TombstoneUnwritable(logger, id, failure.Message);
            return failure;
        }
    }

    private static StagingException Forgettable(ImageId id, string[] pending, Exception failure) => new(
        DiskFault.IsFull(failure) ? StagingError.NoSpace : StagingError.DiskFailed,
        $"Image {id} is deleted here and on the pods that answered, but not on {string.Join(", ", pending)}, and the volume takes "
        + $"no note to tell them later ({DiskFault.Explain(failure)}). Delete it again when there is room, or when they are back.",
        failure,
        DiskFault.FullFacts);

    // Just after the start nobody may be known yet. Whoever turns up later is told then.
    private async Task WaitForMembersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _directory.Ready.WaitAsync(options.Value.LocateTimeout, _clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Those who are known by now are asked.
        }
    }
}
