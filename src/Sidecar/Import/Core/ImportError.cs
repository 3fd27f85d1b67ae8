namespace Sidecar.Import.Core;

/// <summary>
/// Why an import was refused or failed. One place turns these into gRPC statuses: Rpc/StatusMap. The names are in
/// journals on disk: never rename or reuse one.
/// </summary>
internal enum ImportError
{
    /// <summary>
    /// No import of this id here; with peers: nowhere, as all of them answered. Facts: import_id, and peers_asked with
    /// peers.
    /// </summary>
    ImportNotFound,

    /// <summary>A value of the request that can never be right. Fact: field.</summary>
    InvalidRequest,

    /// <summary>No such stage. Facts: stage, known.</summary>
    UnknownStage,

    /// <summary>
    /// The import id belongs to an import with other parameters. Fact: field, the first that differs.
    /// </summary>
    RequestDiffers,

    /// <summary>It waits or runs: cancel it first. Fact: state.</summary>
    ImportRunning,

    /// <summary>The sidecar is stopping and starts nothing new.</summary>
    Draining,

    /// <summary>The staged image was removed before the import could read it.</summary>
    ImageGone,

    /// <summary>The image failed a safety check. Facts: check (the first), checks (all), format.</summary>
    ImageRefused,

    /// <summary>The content is not of the format that the caller claims. Facts: claimed, detected.</summary>
    FormatMismatch,

    /// <summary>image_conversion cannot read or write this format. Facts: format.</summary>
    UnsupportedFormat,

    /// <summary>The compressed data is damaged or cut short. Fact: compression.</summary>
    CompressedDataCorrupt,

    /// <summary>The archive is of a kind that is not supported, or takes too much memory to unpack. Fact: compression.</summary>
    CompressionUnsupported,

    /// <summary>A stage would write more than it may. Fact: limit (bytes).</summary>
    OutputTooLarge,

    /// <summary>The data expands more than it may. Facts: ratio, limit.</summary>
    RatioExceeded,

    /// <summary>A guest would see more bytes than allowed. Facts: virtual_size, limit.</summary>
    VirtualSizeTooLarge,

    /// <summary>
    /// The properties of a signature make no sense, or some of them are missing. Facts: property (the first), missing (all
    /// that are not there).
    /// </summary>
    SignatureMalformed,

    /// <summary>A hash method or key type that is not known. Facts: property, allowed.</summary>
    SignatureUnsupported,

    /// <summary>The signature is not that of the staged bytes, or not of the certificate's key. Fact: certificate_uuid.</summary>
    SignatureInvalid,

    /// <summary>
    /// The certificate of a signature cannot be used. Facts: certificate_uuid, check (missing, malformed, not_yet_valid, expired,
    /// key_type, key_size).
    /// </summary>
    CertificateRefused,

    /// <summary>The volume has no room for it. Facts as of StagingError.NoSpace where known.</summary>
    NoSpace,

    /// <summary>The disk failed.</summary>
    DiskFailed,

    /// <summary>A program says that it cannot work with the image. Facts: tool, and exit_code where it ended by itself.</summary>
    ToolFailed,

    /// <summary>A program took more wall-clock time than it may. Facts: tool, limit_seconds.</summary>
    ToolTimedOut,

    /// <summary>A program took more CPU time than it may. Facts: tool, limit_seconds.</summary>
    ToolCpuLimit,

    /// <summary>A program is not installed. Fact: tool.</summary>
    ToolMissing,

    /// <summary>
    /// A program could not be run, or somebody killed it, say the kernel for want of memory: the machine's fault, which
    /// says nothing of the image. Start a new import. Facts: tool, and exit_code where it had one.
    /// </summary>
    ToolUnavailable,

    /// <summary>A stage took longer than it may. Fact: limit_seconds.</summary>
    TimedOut,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,

    /// <summary>The sidecar stopped while it waited or ran; starting it again by the same id runs it again.</summary>
    ImportInterrupted,

    /// <summary>
    /// The sidecar was killed again and again while it ran, so it is not run again by itself: the memory that it takes may be
    /// why. Fact: kills.
    /// </summary>
    SidecarKilled,

    /// <summary>It succeeded, but its output is no longer there.</summary>
    OutputLost,

    /// <summary>
    /// The output does not exist as bytes: its conversion was deferred, and is part of writing it to a store. Fact: import_id.
    /// </summary>
    OutputDeferred,

    /// <summary>A bug: the log has the details.</summary>
    InternalError,
}
