using Sidecar.Import.Core;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Processes;

/// <summary>Says for a person, and for a program, how a tool failed.</summary>
internal static class ToolFailures
{
    private const string DiskFull = "No space left on device";
    private const string WhatToDo = "Make the image again and stage that; the sidecar's log has the words of the program.";
    private const int SigKill = ChildRunner.SignalBase + 9;

    // Of the C library's errors, and as zstd and bzip2 put it. Input/output error is not among them: qemu-img says so of
    // images whose tables make no sense.
    private static readonly string[] MachineWords =
    [
        "Cannot allocate memory", "not enough memory", "couldn't allocate", "Too many open files",
        "Resource temporarily unavailable", "Stale file handle", "error while loading shared libraries",
    ];

    public static ImportException Describe(Tool tool, ChildOutcome outcome, ChildLimits limits)
    {
        var name = ToolPaths.NameOf(tool);
        return outcome.End switch
        {
            ChildEnd.TimedOut => new ImportException(
                ImportError.ToolTimedOut,
                $"{name} was stopped after {limits.Timeout.TotalSeconds:F0} seconds, which is the limit: try again "
                + "when the machine is less busy, or raise the limit.",
                ("tool", name),
                ("limit_seconds", (long)limits.Timeout.TotalSeconds)),
            ChildEnd.CpuLimit => new ImportException(
                ImportError.ToolCpuLimit,
                $"{name} was stopped after {limits.CpuSeconds} seconds of CPU time, which is the limit: the image is "
                + "made to be costly, or the limit is too low for it.",
                ("tool", name),
                ("limit_seconds", limits.CpuSeconds)),
            ChildEnd.Failed when !IsTheMachines(outcome) => Failed(name, outcome),
            ChildEnd.Failed or ChildEnd.Succeeded or ChildEnd.FileSizeLimit or ChildEnd.Killed or ChildEnd.NotRun =>
                Unavailable(name, outcome),
        };
    }

    /// <summary>For a program that runs on and says that it cannot read some of the image.</summary>
    public static ImportException DescribeRefusal(Tool tool, ChildOutcome outcome)
    {
        var name = ToolPaths.NameOf(tool);
        if (IsTheMachines(outcome)) return Unavailable(name, "lacked something", outcome.ErrorText);
        return new ImportException(
            ImportError.ToolFailed,
            $"{name} failed: {ToolWords.Translate(outcome.ErrorText)}. {WhatToDo}", ("tool", name)) { Detail = outcome.ErrorText };
    }

    /// <summary>For a program whose answers make no sense.</summary>
    public static ImportException DescribeNonsense(Tool tool, string said) =>
        Unavailable(ToolPaths.NameOf(tool), "did not work", said);

    /// <summary>Whether a program that failed says that it lacked something which is none of its input.</summary>
    public static bool IsTheMachines(ChildOutcome outcome) =>
        MachineWords.Any(words => outcome.ErrorText.Contains(words, StringComparison.OrdinalIgnoreCase));

    private static ImportException Failed(string name, ChildOutcome outcome)
    {
        if (outcome.ErrorText.Contains(DiskFull, StringComparison.Ordinal))
        {
            return new ImportException(
                ImportError.NoSpace,
                $"The volume became full while {name} wrote to it. Try again later, or release staged images.",
                ("tool", name));
        }

        return new ImportException(
            ImportError.ToolFailed,
            $"{name} failed (exit code {outcome.ExitCode}): {ToolWords.Translate(outcome.ErrorText)}. {WhatToDo}",
            ("tool", name),
            ("exit_code", outcome.ExitCode)) { Detail = outcome.ErrorText };
    }

    private static ImportException Unavailable(string name, ChildOutcome outcome)
    {
        var how = outcome.End switch
        {
            ChildEnd.Killed when outcome.ExitCode is SigKill or < ChildRunner.SignalBase =>
                "was killed, as the kernel does for want of memory",
            ChildEnd.Killed or ChildEnd.FileSizeLimit => $"was ended by signal {outcome.ExitCode - ChildRunner.SignalBase}",
            ChildEnd.NotRun => $"could not be run (exit code {outcome.ExitCode})",
            _ => $"did not work (exit code {outcome.ExitCode})",
        };
        return Unavailable(name, how, outcome.ErrorText, ("exit_code", outcome.ExitCode));
    }

    private static ImportException Unavailable(string name, string how, string said, params (string, object?)[] facts) =>
        new(
            ImportError.ToolUnavailable,
            $"{name} {how}. That says nothing of the image, which is still there: start a new import. The sidecar's log has the "
            + "words of the program.",
            [("tool", name), .. facts]) { Detail = said };
}
