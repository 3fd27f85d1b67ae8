using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Sidecar.Draining;
using Sidecar.Peers.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Cluster;

/// <summary>A Drain call: starts the drain of this pod, or attaches to it, and tells how far it is.</summary>
internal sealed class DrainCall(PodDrain drain, IOptions<PeersOptions> options)
{
    private static readonly TimeSpan LongestGrace = TimeSpan.FromDays(1); // as of Peers:DrainGrace

    public async Task RunAsync(
        DrainRequest request, IServerStreamWriter<DrainEvent> stream, ServerCallContext context)
    {
        if (context.GetHttpContext().Features.Get<PeerCaller>() is not null)
        {
            throw new PeerException(
                PeerError.NotForPeers, "A pod is drained through its local listener only: ask from within the pod.");
        }

        await foreach (var now in drain.Start(Grace(request), context.CancellationToken))
        {
            await stream.WriteAsync(new DrainEvent { Drain = now }, context.CancellationToken);
        }
    }

    private TimeSpan Grace(DrainRequest request)
    {
        if (request.Grace is not { } grace) return options.Value.DrainGrace;
        if (grace.Seconds < 0 || grace.Seconds > LongestGrace.TotalSeconds || grace.Nanos is < 0 or > 999_999_999)
        {
            throw new StagingException(
                StagingError.InvalidRequest, $"The grace is {grace.Seconds} seconds; allowed: 0 to {LongestGrace.TotalSeconds}.");
        }

        return grace.ToTimeSpan();
    }
}
