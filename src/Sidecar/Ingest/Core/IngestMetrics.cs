using System.Diagnostics.Metrics;
using Sidecar.Telemetry;

namespace Sidecar.Ingest.Core;

/// <summary>How a request that came in through the ingest ended.</summary>
internal enum IngestOutcome
{
    /// <summary>It went to Glance as it was, and Glance's answer went back.</summary>
    Passed,

    /// <summary>An upload: Glance asked for its bytes, they are staged, and Glance's answer went back.</summary>
    Staged,

    /// <summary>An upload that Glance answered without asking for its bytes.</summary>
    NotWanted,

    /// <summary>An upload that began to be received, and was not staged.</summary>
    NotStaged,

    /// <summary>Refused here: no request that could be passed on safely.</summary>
    Refused,

    /// <summary>Glance could not be reached, or gave no whole answer in time.</summary>
    UpstreamFailed,

    /// <summary>The client went away before it had its answer.</summary>
    HungUp,
}

/// <summary>Instruments of the ingest. Bounded tags: nothing of a request is one.</summary>
internal sealed class IngestMetrics
{
    private readonly Counter<long> _requests;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _ticketsRefused;

    public IngestMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(SidecarActivities.SourceName);
        _requests = meter.CreateCounter<long>(
            "glance_staging_ingest_requests", "{request}", "Requests that came in through the ingest, by outcome.");
        _bytes = meter.CreateCounter<long>(
            "glance_staging_ingest_received_bytes", "By", "Bytes of uploads that came in through the ingest.");
        _ticketsRefused = meter.CreateCounter<long>(
            "glance_staging_ingest_tickets_refused", "{ticket}", "Tickets that were shown and are of no request that waits, by reason.");
    }

    public void Ended(IngestOutcome outcome) => _requests.Add(1, Tag("outcome", outcome.Label()));

    public void Received(long bytes) => _bytes.Add(bytes);

    public void TicketRefused(TicketFault fault) => _ticketsRefused.Add(1, Tag("reason", fault.Label()));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
