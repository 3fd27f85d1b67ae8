using Sidecar.Staging.Space;

namespace Sidecar.Staging.Files;

/// <summary>Tells exceptions of the file system from each other, whatever .NET makes of the errno.</summary>
internal static class DiskFault
{
    private const int MaxErrno = 4096;

    /// <summary>
    /// EACCES, EPERM and EBADF come as <see cref="UnauthorizedAccessException"/>, which is no
    /// <see cref="IOException"/>: a file system that became read-only or a label that was changed are faults of the disk
    /// all the same.
    /// </summary>
    public static bool Is(Exception failure) => failure is IOException or UnauthorizedAccessException;

    /// <summary>The volume, or the user's part of it, is full.</summary>
    public static bool IsFull(Exception failure) => failure is IOException { HResult: Posix.Enospc or Posix.Edquot };

    /// <summary>Neither the disk's fault nor the file's: this process, or the machine, has no descriptor left.</summary>
    public static bool IsOutOfDescriptors(Exception failure) =>
        failure is IOException { HResult: Posix.Emfile or Posix.Enfile };

    /// <summary>
    /// What failed, as half a sentence for a caller: what .NET says of it names files of the pod, and is for the log.
    /// </summary>
    public static string Explain(Exception failure) => failure switch
    {
        _ when IsFull(failure) => "the volume is full",
        IOException { HResult: Posix.Erofs } => "the volume is read-only (EROFS)",
        IOException { HResult: Posix.Eio } => "the volume failed to read or to write (EIO)",
        IOException { HResult: Posix.Estale } => "the volume's server does not know a file any more (ESTALE)",
        IOException { HResult: Posix.Ebusy } => "a file or directory of the volume is in use, as by a mount (EBUSY)",
        UnauthorizedAccessException or IOException { HResult: Posix.Eacces } =>
            "the sidecar may not access a file or directory of the volume (EACCES or EPERM)",
        FileNotFoundException or DirectoryNotFoundException or IOException { HResult: Posix.Enoent } =>
            "a file or directory of the volume is gone, or something else has its name",
        IOException { HResult: > 0 and < MaxErrno } => $"the volume refused what was asked of it (errno {failure.HResult})",
        _ => "the volume refused what was asked of it",
    };

    /// <summary>Facts of a volume that is full now, of which nobody knows when it will not be.</summary>
    public static (string Name, object? Value)[] FullFacts { get; } =
        [(SpaceLedger.NeverFact, "false"), ("retry_after_seconds", (long)SpaceLedger.RetryHint.TotalSeconds)];
}
