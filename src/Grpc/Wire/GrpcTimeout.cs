using System.Globalization;

namespace Grpc.Wire;

/// <summary>The <c>grpc-timeout</c> header: at most eight digits and a unit.</summary>
internal static class GrpcTimeout
{
    private const int MaxDigits = 8;
    private const long MaxValue = 99_999_999;

    // From the finest unit that a tick can tell apart; the nanosecond one is only read.
    private static readonly (long Ticks, char Unit)[] Units =
    [
        (TimeSpan.TicksPerMicrosecond, 'u'),
        (TimeSpan.TicksPerMillisecond, 'm'),
        (TimeSpan.TicksPerSecond, 'S'),
        (TimeSpan.TicksPerMinute, 'M'),
        (TimeSpan.TicksPerHour, 'H'),
    ];

    public static bool TryParse(string text, out TimeSpan timeout)
    {
        timeout = default;
        var digits = text.AsSpan(0, Math.Max(0, text.Length - 1));
        if (digits.Length is 0 or > MaxDigits
            || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        if (text[^1] == 'n')
        {
            timeout = TimeSpan.FromTicks(value / TimeSpan.NanosecondsPerTick);
            return true;
        }

        return TryScale(value, text[^1], out timeout);
    }

    /// <summary>Rounded up, so that no server gives up before its client; a time already over is 1 µs.</summary>
    public static string Format(TimeSpan timeout)
    {
        foreach (var (ticks, unit) in Units)
        {
            var value = Math.Max(1, (timeout.Ticks / ticks) + (timeout.Ticks % ticks > 0 ? 1 : 0));
            if (value <= MaxValue)
                return string.Create(CultureInfo.InvariantCulture, $"{value}{unit}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{MaxValue}H");
    }

    private static bool TryScale(long value, char unit, out TimeSpan timeout)
    {
        foreach (var (ticks, name) in Units)
        {
            if (name != unit)
                continue;

            timeout = value > TimeSpan.MaxValue.Ticks / ticks ? TimeSpan.MaxValue : TimeSpan.FromTicks(value * ticks);
            return true;
        }

        timeout = default;
        return false;
    }
}
