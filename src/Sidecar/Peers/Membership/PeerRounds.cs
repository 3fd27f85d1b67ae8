using System.Collections.Concurrent;
using Grpc.Core;
using Sidecar.Background;

namespace Sidecar.Peers.Membership;

/// <summary>
/// Something that all peers are told, in rounds. A peer that returns, and one whose telling failed, is owed
/// everything; it stays so until that went well. What a peer is owed is in memory only: after a restart of this pod
/// every peer returns.
/// </summary>
internal abstract class PeerRounds(string loop, PeerDirectory directory, LoopHealth loops, TimeProvider clock)
    : PeriodicService(loop, TimeSpan.FromSeconds(1), FirstRound.AfterTheInterval, loops, clock)
{
    private readonly ConcurrentDictionary<Peer, bool> _needsFullSync = new();

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        directory.Returned += MarkForFullSync;
        return base.StartAsync(cancellationToken);
    }

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        directory.Returned -= MarkForFullSync;
        return base.StopAsync(cancellationToken);
    }

    /// <summary>The peer has missed something: it is told everything in one of the next rounds.</summary>
    protected void MarkForFullSync(Peer peer) => _needsFullSync[peer] = true;

    /// <summary>A round begins; takes what has come up since the last one.</summary>
    protected abstract void Collect();

    /// <param name="everything">The peer is owed everything, not only what has come up since the last round.</param>
    /// <exception cref="RpcException">The peer did not take it: it is owed everything from now on.</exception>
    protected abstract Task TellAsync(Peer peer, bool everything, CancellationToken cancellationToken);

    protected override async Task RoundAsync(CancellationToken stoppingToken)
    {
        Collect();
        var peers = directory.Peers;
        foreach (var gone in _needsFullSync.Keys.Except(peers)) _needsFullSync.TryRemove(gone, out _);
        await Task.WhenAll(peers.Where(peer => peer.State.Reachable).Select(peer => VisitAsync(peer, stoppingToken)));
    }

    private async Task VisitAsync(Peer peer, CancellationToken stoppingToken)
    {
        var everything = _needsFullSync.TryRemove(peer, out _);
        try
        {
            await TellAsync(peer, everything, stoppingToken);
        }
        catch (RpcException)
        {
            // Whether the peer is there is the probe's business to tell and to log.
            MarkForFullSync(peer);
        }
        catch
        {
            // The round counts as failed, and what the peer has not heard is not forgotten.
            MarkForFullSync(peer);
            throw;
        }
    }
}
