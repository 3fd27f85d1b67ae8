using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Membership;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;

namespace Sidecar.Peers.Transfer;

/// <summary>What every transfer needs and none owns.</summary>
/// <param name="Find">The peer of a name, as it can be reached now; null when there is none.</param>
internal sealed record TransferContext(
    StagingContext Staging, SpaceLedger Space, Func<string, Peer?> Find, ForwardMark Mark, PeersOptions Options,
    TransferMetrics Metrics, ILogger Log);
