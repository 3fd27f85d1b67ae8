using System.Net;
using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Peers.Core;
using Sidecar.Peers.Discovery;
using Sidecar.Peers.Membership;
using Sidecar.Routing.Announcing;
using Sidecar.Rpc.Cluster;
using Sidecar.Rpc.Messages;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Telemetry;

namespace Sidecar.Rpc;

/// <summary>The Peers service: who the peers are, and what they ask of each other.</summary>
internal sealed class PeersService(
    StagingArea area, PeerDirectory directory, PodIdentity self, ForwardMark mark, LocateCall locate, Announcements announcements,
    DrainCall drain, UnmanagedWatch unmanaged, PodCondition condition, TimeProvider clock) : Glance.Sidecar.V1.Peers.PeersBase
{
    private readonly Timestamp _started = clock.GetUtcNow().ToTimestamp();

    public override async Task<Glance.Sidecar.V1.Peer> Describe(DescribeRequest request, ServerCallContext context)
    {
        mark.IsOn(request.Forwarded, context); // refuses a call of this very process
        if (ForwardMark.IsFromPeer(context) && request.Forwarded is { By.Length: > 0 and < 254, Instance.Length: > 0 } caller)
        {
            await directory.MeetAsync(caller, AddressOf(request, context), context.CancellationToken);
        }

        return Describe();
    }

    public override Task<ListPeersResponse> ListPeers(ListPeersRequest request, ServerCallContext context)
    {
        var self = Describe();
        // It reads a directory, which is for people only: peers ask often.
        if (!ForwardMark.IsFromPeer(context)) self.Condition = condition.Look();
        return Task.FromResult(new ListPeersResponse
        {
            Self = self,
            Peers =
            {
                directory.Peers.Select(PeerMessages.ToMessage)
                    .OrderBy(peer => peer.Name, StringComparer.Ordinal)
                    .ThenBy(peer => peer.Address, StringComparer.Ordinal),
            },
        });
    }

    public override Task<LocateResponse> Locate(LocateRequest request, ServerCallContext context) =>
        locate.RunAsync(request, context);

    public override async Task<AnnounceResponse> Announce(AnnounceRequest request, ServerCallContext context)
    {
        mark.IsOn(request.Forwarded, context); // refuses a call of this very process
        if (!ForwardMark.IsFromPeer(context))
        {
            throw new StagingException(StagingError.InvalidRequest, "Only peers announce, on the peer listener.");
        }

        await announcements.TakeAsync(request, context.CancellationToken);
        return new AnnounceResponse();
    }

    public override Task Drain(
        DrainRequest request, IServerStreamWriter<DrainEvent> responseStream, ServerCallContext context) =>
        drain.RunAsync(request, responseStream, context);

    private static PeerAddress? AddressOf(DescribeRequest request, ServerCallContext context) =>
        request.Port is > 0 and <= IPEndPoint.MaxPort && context.GetHttpContext().Connection.RemoteIpAddress is { } address
            ? PeerAddress.Of(null, address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, (int)request.Port) : null;

    private Glance.Sidecar.V1.Peer Describe() => new()
    {
        Name = self.Name,
        Reachable = true,
        Since = _started,
        Capacity = Capacity(),
        Version = SidecarVersion.Text,
        Instance = self.Instance,
        Draining = area.Draining,
        Now = clock.GetUtcNow().ToTimestamp(),
    };

    // A pod whose disk fails is there all the same, and says itself that it takes nothing.
    private Capacity Capacity()
    {
        try
        {
            return StagingMessages.ToCapacity(area, unmanaged.Current);
        }
        catch (Exception failure) when (DiskFault.Is(failure))
        {
            return new Capacity
            {
                StagingDirectory = area.Layout.Directory, Refusal = StagingError.DiskFailed.Reason(),
            };
        }
    }
}
