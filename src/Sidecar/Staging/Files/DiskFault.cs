using Sidecar.Staging.Space;

namespace Sidecar.Staging.Files;

/// <summary>Tells exceptions of the file system from each other, whatever .NET makes of the errno.</summary>
internal static class DiskFault
{
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

    /// <summary>Facts of a volume that is full now, of which nobody knows when it will not be.</summary>
    public static (string Name, object? Value)[] FullFacts { get; } =
        [(SpaceLedger.NeverFact, "false"), ("retry_after_seconds", (long)SpaceLedger.RetryHint.TotalSeconds)];
}
