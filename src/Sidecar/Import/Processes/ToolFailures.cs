using Sidecar.Import.Core;

namespace Sidecar.Import.Processes;

/// <summary>Says for a person, and for a program, how a tool failed.</summary>
internal static class ToolFailures
{
    private const string DiskFull = "No space left on device";

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
            ChildEnd.Failed or ChildEnd.Succeeded or ChildEnd.FileSizeLimit or ChildEnd.Killed => Failed(name, outcome),
        };
    }

    private static ImportException Failed(string name, ChildOutcome outcome)
    {
        if (outcome.ErrorText.Contains(DiskFull, StringComparison.Ordinal))
        {
            return new ImportException(
                ImportError.NoSpace,
                $"The volume became full while {name} wrote to it. Try again later, or release staged images.",
                ("tool", name));
        }

        var how = outcome.End == ChildEnd.Failed ? $"exit code {outcome.ExitCode}" : $"signal {outcome.ExitCode - 128}";
        return new ImportException(
            ImportError.ToolFailed,
            $"{name} failed ({how}): {ToolWords.Translate(outcome.ErrorText)}. Make the image anew and stage that; the sidecar's log "
            + "has the words of the program.",
            ("tool", name),
            ("exit_code", outcome.ExitCode)) { Detail = outcome.ErrorText };
    }
}
