namespace Sidecar.Staging.Core;

internal enum UploadState
{
    /// <summary>A writer has it.</summary>
    Receiving,

    /// <summary>Nobody writes; it can be resumed at its received offset.</summary>
    Suspended,

    /// <summary>A disk error made its bytes doubtful; it can only be aborted or started again.</summary>
    Failed,

    /// <summary>Somebody holds space for it, and no writer has it.</summary>
    Reserved,
}

/// <summary>An unfinished upload at one moment. Offsets are bytes.</summary>
internal sealed record UploadSnapshot(
    UploadHeader Header,
    UploadState State,
    long ReceivedOffset,
    long DurableOffset,
    DateTimeOffset LastActiveAt,
    string Failure)
{
    /// <summary>What the machine said of the failure, for the log only.</summary>
    public string Cause { get; init; } = "";
}
