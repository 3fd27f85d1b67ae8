using Glance.Sidecar.V1;
using Stagectl.Output;
using State = Glance.Sidecar.V1.StageProgress.Types.State;

namespace Stagectl.Progress;

/// <summary>One stage in words: how much of how much, how fast, how long still.</summary>
internal static class StageText
{
    public static string Describe(StageProgress stage, double bytesPerSecond) => stage.State switch
    {
        State.Pending => "waits",
        State.Skipped => "skipped, nothing to do",
        State.Failed => "failed",
        State.Succeeded => Done(stage),
        _ => Running(stage, bytesPerSecond),
    };

    private static string Done(StageProgress stage)
    {
        var size = stage.BytesDone > 0 ? $"{ByteText.Format(stage.BytesDone)} " : "";
        var time = stage.ElapsedSeconds > 0 ? $" in {TimeText.Format(TimeSpan.FromSeconds(stage.ElapsedSeconds))}" : "";
        return $"{size}done{time}";
    }

    private static string Running(StageProgress stage, double bytesPerSecond)
    {
        var parts = new List<string>();
        if (stage.BytesTotal > 0)
        {
            parts.Add($"{100.0 * stage.BytesDone / stage.BytesTotal:0} %");
            parts.Add($"{ByteText.Format(stage.BytesDone)} of {ByteText.Format(stage.BytesTotal)}");
        }
        else
        {
            parts.Add(ByteText.Format(stage.BytesDone));
        }

        if (bytesPerSecond >= 1)
        {
            parts.Add($"{ByteText.Format(bytesPerSecond)}/s");
            if (stage.BytesTotal > stage.BytesDone) parts.Add($"{TimeLeft(stage, bytesPerSecond)} left");
        }

        return string.Join(", ", parts);
    }

    private static string TimeLeft(StageProgress stage, double bytesPerSecond)
    {
        var seconds = Math.Ceiling((stage.BytesTotal - stage.BytesDone) / bytesPerSecond);
        return seconds < 120
            ? $"{seconds:0} s"
            : TimeText.Format(TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.FromDays(365).TotalSeconds)));
    }
}
