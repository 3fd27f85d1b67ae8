namespace Sidecar.Staging.Core;

/// <summary>Why the staging area refused something. One place turns these into gRPC statuses: Rpc/StatusMap.</summary>
internal enum StagingError
{
    /// <summary>Not a UUID.</summary>
    InvalidImageId,

    /// <summary>A value of the request that can never be right, whatever the state.</summary>
    InvalidRequest,

    /// <summary>
    /// No unfinished upload of this image here; asked with GetUpload and with peers: nowhere, as all of them answered.
    /// Fact: peers_asked, then.
    /// </summary>
    UploadNotFound,

    /// <summary>
    /// The image is not staged here; with peers: nowhere, as all of them answered. Fact: peers_asked, with peers.
    /// </summary>
    ImageNotFound,

    /// <summary>The image is staged already; staged images are immutable.</summary>
    AlreadyStaged,

    /// <summary>The bytes do not belong where the sender said. Fact: offset, the true one.</summary>
    OffsetMismatch,

    /// <summary>A newer call for the same image is the writer now.</summary>
    UploadTakenOver,

    /// <summary>The upload was aborted, or its image deleted, while it was being received.</summary>
    UploadAborted,

    /// <summary>
    /// The volume has no room for it. Facts: needed, free, reserved, available (bytes), never (whether no waiting helps).
    /// </summary>
    NoSpace,

    /// <summary>No reservation of this id and image: the Reserve call that made it has ended.</summary>
    ReservationNotFound,

    /// <summary>More or fewer bytes than declared. Facts: declared, received.</summary>
    LengthMismatch,

    /// <summary>The stream ended before its finish; the upload keeps its offset. Fact: offset.</summary>
    Unfinished,

    /// <summary>The bytes have another digest than expected. Facts: algorithm, expected, actual.</summary>
    DigestMismatch,

    /// <summary>A chunk arrived damaged; it was not written. Facts: offset, expected, actual.</summary>
    ChunkCorrupt,

    /// <summary>The disk failed under this upload, which is dead from then on.</summary>
    DiskFailed,

    /// <summary>The sidecar is stopping; the upload keeps its offset.</summary>
    Draining,

    /// <summary>The sender went silent; the upload keeps its offset.</summary>
    IdleTimeout,

    /// <summary>
    /// More at once than this pod has memory or file descriptors for; try again in a moment. Facts: limit (uploads), of a
    /// Stage call; retry_after_seconds.
    /// </summary>
    Overloaded,

    /// <summary>
    /// No upload waits at the ingest under this ticket for this image: its request is over, it was asked for already or too late, or
    /// it never was.
    /// </summary>
    TicketUnknown,

    /// <summary>The image has more bytes than whoever receives it allows. Fact: limit (bytes).</summary>
    ImageTooLarge,

    /// <summary>
    /// The file may not be adopted: outside the allowed directories, not a regular file, a link, more than one name (hard links).
    /// </summary>
    AdoptRefused,
}
