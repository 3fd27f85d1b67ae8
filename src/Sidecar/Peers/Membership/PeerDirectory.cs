using Microsoft.Extensions.Options;
using Sidecar.Background;
using Sidecar.Peers.Core;
using Sidecar.Peers.Discovery;

namespace Sidecar.Peers.Membership;

/// <summary>
/// The peers of this pod, as they are now: looked up again and again, asked again and again whether they are there.
/// This pod itself is never among them. Nobody elects anybody: who the members are is Kubernetes' business.
/// </summary>
internal sealed class PeerDirectory(
    IPeerDiscovery discovery, PeerRoster roster, PeerMemory memory, PeerProbe probe, IOptions<PeersOptions> options,
    LoopHealth loops, TimeProvider clock, ILogger<PeerDirectory> logger)
    : PeriodicService("membership", options.Value.ResolveInterval, FirstRound.AtOnce, loops, clock)
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<Peer, PeerWatch> _watches = [];
    private bool _resolves = true;
    private bool _restored;

    /// <summary>A peer can be reached (again), or was started again; told on the peer's own probe loop.</summary>
    public event Action<Peer>? Returned;

    /// <summary>
    /// The peers, without this pod: also those whose record is gone and which are not forgotten yet. A snapshot.
    /// </summary>
    public IReadOnlyList<Peer> Peers => [.. roster.Members.Where(peer => peer.State.LeftAs is null)];

    /// <summary>
    /// Done when the members were looked up once, and each was asked once. As long as the records cannot be looked up
    /// it is not: nobody knows then whether there is a peer that has an image.
    /// </summary>
    public Task Ready => _ready.Task;

    /// <summary>The peer of this name; null when there is none.</summary>
    public Peer? Find(string name) => Peers.FirstOrDefault(peer => peer.Name == name);

    /// <summary>
    /// The peer said that it goes and leaves nothing behind: nobody waits for its answers any more. It is back when it
    /// answers that it takes new work, or was started again.
    /// </summary>
    public void Forget(string name)
    {
        roster.Forget(name);
        memory.Keep(roster.Members);
    }

    /// <summary>A call to the peer failed as if it were not there: it is asked at once instead of at its next turn.</summary>
    public void Suspect(Peer peer)
    {
        if (!peer.State.Reachable) return;
        lock (_watches) _watches.GetValueOrDefault(peer)?.Wake();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await base.ExecuteAsync(stoppingToken);
        }
        finally
        {
            await Task.WhenAll(Watches().Select(watch => watch.Ended));
        }
    }

    protected override async Task RoundAsync(CancellationToken stoppingToken)
    {
        if (!_restored)
        {
            _restored = true; // first: members that cannot be taken up must not keep the others from being looked up
            roster.Restore(memory.Load());
            Watch(stoppingToken);
        }

        if (await ResolveAsync(stoppingToken) && !Ready.IsCompleted) await EachAskedAsync();
    }

    private async Task<bool> ResolveAsync(CancellationToken stoppingToken)
    {
        try
        {
            roster.Resolved(await discovery.ResolveAsync(stoppingToken));
            Watch(stoppingToken);
            if (!_resolves) PeersLog.ResolvedAgain(logger);
            return _resolves = true;
        }
        catch (IOException failure)
        {
            if (_resolves) PeersLog.ResolveFailed(logger, PeerText.OneLine(failure.Message));
            return _resolves = false;
        }
    }

    // Bounded, as every question is.
    private async Task EachAskedAsync()
    {
        await Task.WhenAll(Watches().Select(watch => watch.Asked));
        _ready.TrySetResult();
    }

    private List<PeerWatch> Watches()
    {
        lock (_watches) return [.. _watches.Values];
    }

    /// <summary>Has every member watched, and nobody else; keeps who they are.</summary>
    private void Watch(CancellationToken stoppingToken)
    {
        lock (_watches)
        {
            var members = roster.Members;
            foreach (var (peer, watch) in _watches.Where(watched => !members.Contains(watched.Key)).ToList())
            {
                watch.Stop();
                _watches.Remove(peer);
            }

            foreach (var peer in members.Where(member => !_watches.ContainsKey(member)))
            {
                _watches[peer] = PeerWatch.Start(
                    token => AskAsync(peer, token, stoppingToken), options.Value.ProbeInterval, stoppingToken);
            }
        }

        memory.Keep(roster.Members);
    }

    private async Task AskAsync(Peer peer, CancellationToken cancellationToken, CancellationToken stoppingToken)
    {
        try
        {
            var outcome = await probe.AskAsync(peer, cancellationToken);
            roster.Asked(peer, outcome);
            if (outcome != ProbeOutcome.Unchanged) Watch(stoppingToken);
            if (outcome == ProbeOutcome.Returned && Peers.Contains(peer)) Returned?.Invoke(peer);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            // The root of the loop: a bug here, or in who listens to Returned, must not leave a peer unwatched.
            PeersLog.ProbeFailed(logger, failure);
        }
    }
}
