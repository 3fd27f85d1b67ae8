namespace Sidecar.Ingest.Core;

/// <summary>Why a ticket is good for nothing. Callers are told the same for all of them.</summary>
internal enum TicketFault
{
    /// <summary>Never issued here, or its request is over.</summary>
    Unknown,

    /// <summary>Its bytes were asked for already.</summary>
    Used,

    /// <summary>Glance took longer than Ingest:TicketLifetime.</summary>
    Expired,

    /// <summary>Issued for a request of another image.</summary>
    OtherImage,
}
