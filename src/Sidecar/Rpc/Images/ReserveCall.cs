using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Rpc.Messages;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;

namespace Sidecar.Rpc.Images;

/// <summary>The Reserve call: space is promised for as long as the call lasts, and so never outlives its caller.</summary>
internal sealed class ReserveCall(StagingArea area, ForwardMark mark)
{
    public async Task RunAsync(
        ReserveRequest request, IServerStreamWriter<Glance.Sidecar.V1.Reservation> responses, ServerCallContext caller)
    {
        mark.RefusePeers(caller);
        using var held = area.Reserve(
            ImageId.Parse(request.ImageId), StagingMessages.ToLength(request.Bytes), request.ProjectId);
        await responses.WriteAsync(held.ToMessage(), caller.CancellationToken);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(caller.CancellationToken, held.Revoked);
        try
        {
            await Task.Delay(Timeout.Infinite, ends.Token);
        }
        catch (OperationCanceledException) when (!caller.CancellationToken.IsCancellationRequested)
        {
            throw HeldReservations.Draining();
        }
    }

    public Glance.Sidecar.V1.Reservation Adjust(AdjustReservationRequest request, ServerCallContext caller)
    {
        mark.RefusePeers(caller);
        return area.Reservations.Adjust(request.ReservationId, StagingMessages.ToLength(request.RemainingBytes)).ToMessage();
    }
}
