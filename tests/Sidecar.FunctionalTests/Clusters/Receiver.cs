using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NUnit.Framework;
using Sidecar.Background;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Discovery;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Transfer;
using Sidecar.Peers.Trust;
using Sidecar.Routing.Outputs;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>
/// A pod's side of bringing outputs, in this process, so that a test can halt it at a byte and restart it: a staging
/// directory of its own, and a way to one owner.
/// </summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly TestDirectory _directory = TestDirectory.Create();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly PeersOptions _options;
    private StagingArea _area;
    private PodIdentity _self;

    public Receiver(string owner, TimeSpan reattach, Func<VolumeSpace>? space = null)
    {
        _options = new PeersOptions { ReattachTimeout = reattach, AllowPlaintext = true };
        Assert.That(PeerAddress.TryParse(owner, out var address), Is.True, owner);
        Owner = new Peer(address!, Channels().Open(address!), new PeerState { Since = DateTimeOffset.UtcNow });
        Layout = new StagingLayout(_directory.Staging);
        Space = space ?? Volume.Measure(Layout);
        (_area, _self, Outputs) = Open();
    }

    public Peer Owner { get; }

    public StagingLayout Layout { get; }

    public FetchedOutputs Outputs { get; private set; }

    /// <summary>What calls fetch outputs by.</summary>
    public OutputFetcher Fetcher => new(Outputs, _self, TimeProvider.System);

    private Func<VolumeSpace> Space { get; }

    /// <summary>Ends transfers as the end of the process would, and takes up what is on disk.</summary>
    public async Task RestartAsync(Action? meanwhile = null)
    {
        await CloseAsync();
        meanwhile?.Invoke();
        (_area, _self, Outputs) = Open();
        await Outputs.RecoverAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _services.DisposeAsync();
        _directory.Dispose();
    }

    private PeerChannels Channels()
    {
        var (options, rules) = (Options.Create(_options), new TrustRules(_options));
        var loops = new LoopHealth(
            _services.GetRequiredService<IMeterFactory>(), TimeProvider.System, NullLogger<LoopHealth>.Instance);
        var credentials = new CredentialWatch(
            options, rules, loops, TimeProvider.System, NullLogger<CredentialWatch>.Instance);
        return new PeerChannels(options, new PeerDialer(credentials, rules));
    }

    private async Task CloseAsync()
    {
        await Outputs.DisposeAsync();
        _area.Dispose();
    }

    private (StagingArea Area, PodIdentity Self, FetchedOutputs Outputs) Open()
    {
        var options = new StagingOptions
        {
            PodName = "receiver", ReserveBytes = 0, LowWatermarkPercent = 0, HighWatermarkPercent = 0, DurableIntervalBytes = 1 << 20,
        };
        var meters = _services.GetRequiredService<IMeterFactory>();
        var context = new StagingContext(
            options, Layout, new StagingMetrics(meters), TimeProvider.System, NullLogger.Instance,
            (_, _, _, _) => ImageValidation.Nothing, (_, _, _, _) => []);
        var ledger = new SpaceLedger(Space, options);
        var area = new StagingArea(context, ledger);
        var self = new PodIdentity(context);
        var transfers = new TransferContext(
            context, ledger, _ => Owner, new ForwardMark(self), _options, new TransferMetrics(meters),
            NullLogger.Instance);
        return (area, self, new FetchedOutputs(transfers, TimeSpan.FromDays(7)));
    }
}
