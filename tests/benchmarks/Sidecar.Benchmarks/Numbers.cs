using System.Globalization;

namespace Sidecar.Benchmarks;

/// <summary>Figures of one run.</summary>
internal static class Numbers
{
    public static int Parse(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>The value that the given part of them does not exceed.</summary>
    public static double Quantile(IReadOnlyCollection<double> values, double part)
    {
        var sorted = values.Order().ToArray();
        return sorted[(int)Math.Min(Math.Floor(sorted.Length * part), sorted.Length - 1)];
    }

    public static double Median(IReadOnlyCollection<double> values) => Quantile(values, 0.5);

    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
