using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Ingest.Tickets;
using Sidecar.Peers.Calls;
using Sidecar.Rpc.Messages;
using Sidecar.Staging;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Uploads;

/// <summary>
/// The ReceiveUpload call: a Stage call whose chunks are the body of a client's request, which waits at the ingest. The call that
/// takes the body reads it, and gives it back before it ends, whatever ends it: the client, the caller, or the upload itself.
/// </summary>
internal sealed class ReceiveCall(UploadTickets tickets, StageCall stage, StagingArea area, ForwardMark mark)
{
    public async Task<Glance.Sidecar.V1.StagedImage> RunAsync(ReceiveUploadRequest request, ServerCallContext caller)
    {
        mark.RefusePeers(caller);
        var header = request.Header ?? new StageHeader();
        var body = tickets.Find(request.Ticket, ImageId.Parse(header.ImageId));
        CheckSize(header, request.MaxBytes, body);
        if (body.ImageSize is { } size) header.DeclaredSize = (ulong)size;
        header.ClearResumeOffset();
        if (body.ResumeOffset is { } offset) header.ResumeOffset = (ulong)offset;
        body = tickets.Take(request.Ticket, body.ImageId);
        try
        {
            using var frames = new BodyFrames(body, header, Limit(request.MaxBytes));
            return await stage.RunAsync(frames, caller.CancellationToken);
        }
        finally
        {
            body.Release();
        }
    }

    public UploadTicket Check(CheckTicketRequest request, ServerCallContext caller)
    {
        mark.RefusePeers(caller);
        var body = tickets.Find(request.Ticket, ImageId.Parse(request.ImageId));
        var ticket = new UploadTicket { Kept = body.IsKept };
        if (body.ImageSize is { } size) ticket.DeclaredSize = (ulong)size;
        if (body.ResumeOffset is not { } offset) return ticket;
        ticket.ResumeOffset = (ulong)offset;
        ticket.Elsewhere = area.TryGetUpload(body.ImageId) is null;
        return ticket;
    }

    private static long Limit(ulong maxBytes) => maxBytes == 0 ? long.MaxValue : StagingMessages.ToLength(maxBytes);

    private static void CheckSize(StageHeader header, ulong maxBytes, HeldBody body)
    {
        if (body.ImageSize is not { } length) return;
        if (length > Limit(maxBytes)) throw BodyFrames.TooLarge(Limit(maxBytes));
        if (!header.HasDeclaredSize || header.DeclaredSize == (ulong)length) return;
        throw new StagingException(
            StagingError.InvalidRequest,
            $"The header declares {header.DeclaredSize} bytes and the client {length}: leave the size out, or give the client's.",
            ("field", "header.declared_size"));
    }
}
