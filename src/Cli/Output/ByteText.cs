using System.Globalization;

namespace Stagectl.Output;

/// <summary>Sizes as people write and read them, in powers of 1024.</summary>
internal static class ByteText
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    public static string Format(double bytes)
    {
        var unit = 0;
        for (; bytes >= 1000 && unit < Units.Length - 1; unit++) bytes /= 1024;
        var digits = unit == 0 || bytes >= 100 ? "0" : bytes >= 10 ? "0.0" : "0.00";
        return $"{bytes.ToString(digits, CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    /// <summary>Reads <c>4194304</c>, <c>4M</c>, <c>4MiB</c>: whole numbers, units without regard to case.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        var unit = Array.FindIndex(Units, candidate => Names(candidate).Contains(
            text[digits..].Trim(), StringComparer.OrdinalIgnoreCase));
        var valid = long.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out bytes);
        if (!valid || unit < 0 || bytes > long.MaxValue >> (10 * unit)) return false;
        bytes <<= 10 * unit;
        return true;
    }

    private static string[] Names(string unit) => unit == "B" ? ["", "B"] : [unit, unit[..1]];
}
