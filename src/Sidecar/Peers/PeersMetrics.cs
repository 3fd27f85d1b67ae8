using System.Diagnostics.Metrics;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Peers.Trust;
using Sidecar.Staging.Core;

namespace Sidecar.Peers;

/// <summary>Instruments of membership and trust, read whenever somebody looks.</summary>
internal sealed class PeersMetrics
{
    public PeersMetrics(IMeterFactory meters, PeerDirectory directory, CredentialWatch credentials)
    {
        var meter = meters.Create(StagingMetrics.MeterName);
        meter.CreateObservableGauge("glance_staging_peers", () => directory.Peers.Count, description: "Peers known.");
        meter.CreateObservableGauge(
            "glance_staging_peer_up", () => directory.Peers.Select(Up), description: "Whether a peer can be reached.");
        meter.CreateObservableGauge(
            "glance_staging_peer_clock_skew_seconds",
            () => directory.Peers.Where(peer => peer.State.Clock.IsKnown).Select(Skew), "s",
            "How far a peer's clock is ahead of this pod's.");
        meter.CreateObservableGauge(
            "glance_staging_peer_certificate_expiry_timestamp_seconds", () => Expiry(credentials), "s",
            "When this pod's certificate for its peers expires, as a Unix time.");
    }

    private static Measurement<long> Up(Peer peer) =>
        new(peer.State.Reachable ? 1 : 0, Tag(peer));

    private static Measurement<double> Skew(Peer peer) => new(peer.State.Clock.Ahead.TotalSeconds, Tag(peer));

    private static KeyValuePair<string, object?> Tag(Peer peer) => new("peer", PeerText.OneLine(peer.Name));

    private static IEnumerable<Measurement<double>> Expiry(CredentialWatch credentials) =>
        credentials.Current is { } now ? [new(new DateTimeOffset(now.Certificate.NotAfter).ToUnixTimeSeconds())] : [];
}
