using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace Stagectl.Output;

/// <summary>Times and durations as people write and read them.</summary>
internal static class TimeText
{
    public static string Format(Timestamp? time) =>
        time?.ToDateTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    public static string Format(TimeSpan span)
    {
        if (span < TimeSpan.FromSeconds(10)) return span.TotalSeconds.ToString("0.0 s", CultureInfo.InvariantCulture);
        if (span < TimeSpan.FromMinutes(2)) return $"{(int)span.TotalSeconds} s";
        return span < TimeSpan.FromHours(2)
            ? $"{(int)span.TotalMinutes} min {span.Seconds:00} s"
            : $"{(int)span.TotalHours} h {span.Minutes:00} min";
    }

    /// <summary>Reads <c>90</c> or <c>90s</c>, <c>5m</c>, <c>1h</c>, <c>500ms</c>.</summary>
    public static bool TryParse(string text, out TimeSpan span)
    {
        var digits = text.TakeWhile(character => char.IsAsciiDigit(character) || character == '.').Count();
        var milliseconds = text[digits..] switch
        {
            "ms" => 1,
            "" or "s" => 1000,
            "m" or "min" => 60_000,
            "h" => 3_600_000,
            _ => 0,
        };
        var valid = double.TryParse(
            text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number);
        // A year is more than any command takes, and less than a timer's or deadline's limit.
        valid = valid && milliseconds > 0 && number * milliseconds <= TimeSpan.FromDays(365).TotalMilliseconds;
        span = valid ? TimeSpan.FromMilliseconds(number * milliseconds) : TimeSpan.Zero;
        return valid;
    }
}
