using Glance.Sidecar.V1;
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
    IHostApplicationLifetime lifetime, LoopHealth loops, TimeProvider clock, ILogger<PeerDirectory> logger)
    : PeriodicService("membership", options.Value.ResolveInterval, FirstRound.AtOnce, loops, clock)
{
    // From then on none is taken up for its call: whoever has a peer's certificate could call by ever new names.
    private const int MostMembers = 2000;

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _knownToPeers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<Peer, PeerWatch> _watches = [];
    private readonly TimeProvider _clock = clock;
    private bool _resolves = true;
    private bool _restored;
    private CancellationToken _stopping;
    private volatile bool _isWatching; // set after it

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

    /// <summary>As <see cref="Peers"/>, and those that left and whose record is still there: they may be back.</summary>
    public IReadOnlyList<Peer> Everybody => roster.Members;

    /// <summary>
    /// Done when the peers know of this pod, all that can be reached, or <c>Peers:LocateTimeout</c> has passed since its start: what
    /// is staged before that would be looked for in vain through another pod.
    /// </summary>
    public Task KnownToPeers => _knownToPeers.Task;

    /// <summary>The peer of this name; null when there is none.</summary>
    public Peer? Find(string name) => Peers.FirstOrDefault(peer => peer.Name == name);

    /// <summary>
    /// The peer said that it goes and leaves nothing behind: nobody waits for its answers any more. It is back when it
    /// answers that it takes new work, or was started again.
    /// </summary>
    /// <param name="instance">Its process.</param>
    public void Forget(string name, string instance)
    {
        roster.Forget(name, instance);
        memory.Keep(roster.Members);
    }

    /// <summary>
    /// Somebody asks as a peer who this pod is. It counts from now on, also when it has left before as another process, or no
    /// record names it yet: what it says it has would not be found until the records are looked up again.
    /// </summary>
    /// <param name="caller">Who it says it is.</param>
    /// <param name="address">Where it says it listens; null: nothing, and whoever is not known stays so.</param>
    public async Task MeetAsync(Forwarded caller, PeerAddress? address, CancellationToken callerGone)
    {
        if (roster.Hear(caller.By, caller.Instance) is { } known)
        {
            if (known.State.Instance != caller.Instance || !known.State.Reachable) AskNow(known);
        }
        else if (address is not null && _isWatching && roster.Members.Count < MostMembers
            && await probe.IsThereAsync(roster.Stranger(address), caller, callerGone))
        {
            roster.Introduce(address with { Name = caller.By });
            Watch(_stopping);
        }
    }

    /// <summary>A call to the peer failed as if it were not there: it is asked at once instead of at its next turn.</summary>
    public void Suspect(Peer peer)
    {
        if (peer.State.Reachable) AskNow(peer);
    }

    /// <summary>The peer is asked at once instead of at its next turn.</summary>
    public void AskNow(Peer peer)
    {
        lock (_watches) _watches.GetValueOrDefault(peer)?.Wake();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Whoever is asked asks back at once when it does not know this pod, and the listener has to be there by then.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var hasStarted = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        await started.Task.WaitAsync(stoppingToken);
        await using var late = _clock.CreateTimer(
            _ => _knownToPeers.TrySetResult(), null, options.Value.LocateTimeout, Timeout.InfiniteTimeSpan);
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
            (_stopping, _isWatching) = (stoppingToken, true);
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
        _knownToPeers.TrySetResult();
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
