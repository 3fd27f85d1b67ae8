using System.Collections.Concurrent;
using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Options;
using Sidecar.Background;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Staging;
using Peer = Sidecar.Peers.Membership.Peer;

namespace Sidecar.Routing.Announcing;

/// <summary>
/// Tells the peers which images this pod has: new ones within about a second, everything to a peer that returns. So
/// two pods that came to hold the same image learn of it.
/// </summary>
internal sealed class Announcer(
    StagingArea area, PeerDirectory directory, ForwardMark mark, IOptions<PeersOptions> options, LoopHealth loops,
    TimeProvider clock)
    : PeerRounds("announcements", directory, loops, clock)
{
    // Some 60 KiB a message.
    private const int CommitsPerMessage = 1000;

    private readonly ConcurrentQueue<Commit> _new = new();
    private readonly TimeProvider _clock = clock;
    private IReadOnlyList<Commit> _round = [];

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (!options.Value.Enabled) return Task.CompletedTask;
        area.Committed += Announce;
        return base.StartAsync(cancellationToken);
    }

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        area.Committed -= Announce;
        return base.StopAsync(cancellationToken);
    }

    /// <summary>Announces an image to the peers in the next round.</summary>
    public void Announce(Staging.Core.StagedImage image) => _new.Enqueue(ToCommit(image));

    protected override void Collect()
    {
        var round = new List<Commit>();
        while (_new.TryDequeue(out var commit)) round.Add(commit);
        _round = round;
    }

    protected override async Task TellAsync(
        Peer peer, bool everything, CancellationToken cancellationToken)
    {
        var commits = everything ? area.ListImages().Select(ToCommit) : _round;
        foreach (var part in commits.Chunk(CommitsPerMessage))
        {
            await peer.Peers.AnnounceAsync(
                new AnnounceRequest { Forwarded = mark.Message(), Commits = { part } },
                mark.Metadata(),
                (_clock.GetUtcNow() + options.Value.LocateTimeout).UtcDateTime,
                cancellationToken);
        }
    }

    private static Commit ToCommit(Staging.Core.StagedImage image) => new()
    {
        ImageId = image.Id.ToString(), CommittedAt = image.CommittedAt.ToTimestamp(),
    };
}
