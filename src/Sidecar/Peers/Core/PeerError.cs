namespace Sidecar.Peers.Core;

/// <summary>Why a request could not be answered by, or with the help of, the other pods.</summary>
internal enum PeerError
{
    /// <summary>The pod that owns the image or import is known and does not answer. Facts: owner, retry_after_seconds.</summary>
    OwnerUnreachable,

    /// <summary>
    /// Nobody who answered has it (of an upload: is receiving it), but not everybody answered. Facts: silent (names),
    /// asked, retry_after_seconds.
    /// </summary>
    LocateIncomplete,

    /// <summary>
    /// The connection to the owner broke in mid-call and could not be made again. An import may still run there: the
    /// same id attaches to it. Facts: owner, image_id or import_id, retry_after_seconds.
    /// </summary>
    OwnerLost,

    /// <summary>A forwarded request came back to the pod that forwarded it: it took itself for a peer.</summary>
    ForwardLoop,

    /// <summary>Peers may not ask for this; it is for callers in the pod itself.</summary>
    NotForPeers,

    /// <summary>The output arrived with another length or checksum than its owner has. Facts: owner, expected, actual.</summary>
    TransferCorrupt,
}
