using System.Collections.Immutable;
using Microsoft.Extensions.Options;

namespace Sidecar.Peers.Membership;

/// <summary>
/// The peers of this pod, as they are now: looked up again and again, asked again and again whether they are there.
/// This pod itself is never among them. Nobody elects anybody: who the members are is Kubernetes' business.
/// </summary>
internal sealed class PeerDirectory(
    IPeerDiscovery discovery, PeerChannels channels, PeerProbe probe, Self self, IOptions<PeersOptions> options,
    TimeProvider clock, ILogger<PeerDirectory> logger) : BackgroundService
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ImmutableArray<Peer> _peers = [];

    /// <summary>A peer can be reached (again), or was started anew; told on the peer's own probe loop.</summary>
    public event Action<Peer>? Returned;

    /// <summary>The peers, without this pod. A snapshot.</summary>
    public IReadOnlyList<Peer> Peers => _peers;

    /// <summary>Done when the members were looked up once, and each was asked once.</summary>
    public Task Ready => _ready.Task;

    /// <summary>The peer of this name; null when there is none.</summary>
    public Peer? Find(string name) => Peers.FirstOrDefault(peer => peer.Name == name);

    /// <summary>The peer said that it goes and leaves nothing behind: nobody waits for its answers any more.</summary>
    public void Forget(string name)
    {
        if (Find(name) is { } peer) _peers = _peers.Remove(peer);
    }

    public override void Dispose()
    {
        foreach (var peer in _peers) peer.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.ResolveInterval, clock);
        do
        {
            await ResolveAsync(stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task ResolveAsync(CancellationToken stoppingToken)
    {
        try
        {
            var found = await discovery.ResolveAsync(stoppingToken);
            await Task.WhenAll(found.Select(address => TakeUp(address, stoppingToken)));
            _ready.TrySetResult();
        }
        catch (IOException failure)
        {
            PeersLog.ResolveFailed(logger, failure.Message);
        }
    }

    private Task TakeUp(PeerAddress address, CancellationToken stoppingToken)
    {
        if (address.Name == self.Name || _peers.Any(known => known.Address == address)) return Task.CompletedTask;
        var peer = new Peer(address, channels.Open(address), clock.GetUtcNow());
        _peers = _peers.Add(peer);
        var asked = new TaskCompletionSource();
        _ = WatchAsync(peer, asked, stoppingToken);
        return asked.Task;
    }

    private async Task WatchAsync(Peer peer, TaskCompletionSource asked, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.ProbeInterval, clock);
        try
        {
            do
            {
                var outcome = await probe.AskAsync(peer, stoppingToken);
                if (outcome == ProbeOutcome.Self) _peers = _peers.Remove(peer);
                asked.TrySetResult();
                if (outcome == ProbeOutcome.Self) return;
                if (outcome == ProbeOutcome.Returned) Returned?.Invoke(peer);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            asked.TrySetResult();
        }
    }
}
