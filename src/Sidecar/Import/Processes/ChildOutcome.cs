namespace Sidecar.Import.Processes;

internal enum ChildEnd
{
    /// <summary>Exit code 0.</summary>
    Succeeded,

    /// <summary>Another exit code.</summary>
    Failed,

    /// <summary>It used up its CPU time.</summary>
    CpuLimit,

    /// <summary>It wrote a file larger than allowed.</summary>
    FileSizeLimit,

    /// <summary>It ran longer than allowed and was killed.</summary>
    TimedOut,

    /// <summary>It was not run at all: it, its loader or a library is missing, or a limit could not be set.</summary>
    NotRun,

    /// <summary>Another signal ended it: it crashed, or somebody (the kernel, for want of memory) killed it.</summary>
    Killed,
}

/// <summary>How a child process ended.</summary>
/// <param name="ExitCode">128 plus the signal when one ended it.</param>
/// <param name="ErrorText">The last 4 KiB of its standard error, on one line and without control characters.</param>
internal sealed record ChildOutcome(ChildEnd End, int ExitCode, string ErrorText);
