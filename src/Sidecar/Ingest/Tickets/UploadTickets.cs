using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Sidecar.Ingest.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Ingest.Tickets;

/// <summary>
/// The stage requests that wait for Glance, each by a secret that only Glance is told: 256 random bits, good for this image, once,
/// for <see cref="IngestOptions.TicketLifetime"/>, and as long as the request lasts. They are in memory only: after a restart no
/// request waits.
/// </summary>
internal sealed class UploadTickets(IOptions<IngestOptions> options, IngestMetrics metrics, TimeProvider clock)
{
    private const int TicketBytes = 32;

    private readonly ConcurrentDictionary<string, HeldBody> _waiting = new(StringComparer.Ordinal);

    /// <summary>Time stamp for a body that is issued now.</summary>
    public long Now => clock.GetTimestamp();

    /// <summary>The new ticket of a request; <see cref="EndAsync"/> must follow.</summary>
    public string Issue(HeldBody body)
    {
        var ticket = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TicketBytes));
        _waiting[ticket] = body;
        return ticket;
    }

    /// <summary>The body that waits under a ticket, left where it is.</summary>
    /// <exception cref="StagingException">TicketUnknown, whatever is wrong with it.</exception>
    public HeldBody Find(string ticket, ImageId image)
    {
        if (!_waiting.TryGetValue(ticket, out var body)) throw Refused(TicketFault.Unknown);
        if (body.ImageId != image) throw Refused(TicketFault.OtherImage);
        if (body.WasTaken) throw Refused(TicketFault.Used);
        if (clock.GetElapsedTime(body.IssuedAt) > options.Value.TicketLifetime) throw Refused(TicketFault.Expired);
        return body;
    }

    /// <summary>The body that waits under a ticket, which is used up by that; its <see cref="HeldBody.Release"/> must follow.</summary>
    /// <exception cref="StagingException">TicketUnknown.</exception>
    public HeldBody Take(string ticket, ImageId image)
    {
        var body = Find(ticket, image);
        return body.TryTake() ? body : throw Refused(TicketFault.Used);
    }

    /// <summary>The request of a ticket is over: the ticket is worth nothing, and when this returns nobody reads the body.</summary>
    public async Task EndAsync(string ticket)
    {
        if (_waiting.TryRemove(ticket, out var body)) await body.EndAsync();
    }

    // The same words for all: whoever guesses learns nothing.
    private StagingException Refused(TicketFault fault)
    {
        metrics.TicketRefused(fault);
        return new StagingException(
            StagingError.TicketUnknown,
            "No upload waits under this ticket for this image: its request is over, it was asked for already or too late "
            + "(Ingest:TicketLifetime), or it never was. Send the upload again.");
    }
}
