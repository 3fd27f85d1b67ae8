using System.Collections.Concurrent;
using System.Text;

namespace Sidecar.Telemetry.Prometheus;

/// <summary>
/// An instrument's name and unit as a Prometheus name, by OpenTelemetry's compatibility rules: characters that
/// Prometheus has no use for become underscores, and the unit is appended in full unless the name ends with it.
/// </summary>
internal static class MetricNames
{
    private static readonly ConcurrentDictionary<(string Name, string Unit, bool IsGauge), string> Names = new();
    private static readonly ConcurrentDictionary<string, string> Labels = new(StringComparer.Ordinal);

    /// <summary>Name of the family, without a counter's <c>_total</c>.</summary>
    public static string Family(string name, string unit, bool isGauge) =>
        Names.GetOrAdd((name, unit, isGauge), static key => Compose(key.Name, key.Unit, key.IsGauge));

    public static string Label(string key) => Labels.GetOrAdd(key, Sanitize);

    /// <summary>The unit's word, or nothing for a mere number of things.</summary>
    public static string UnitWord(string unit, bool isGauge) => unit switch
    {
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        "1" when isGauge => "ratio",
        _ => "",
    };

    private static string Compose(string name, string unit, bool isGauge)
    {
        var family = Sanitize(name);
        if (family.EndsWith("_total", StringComparison.Ordinal)) family = family[..^"_total".Length];
        var word = UnitWord(unit, isGauge);
        return word.Length == 0 || family.EndsWith('_' + word, StringComparison.Ordinal) ? family : $"{family}_{word}";
    }

    private static string Sanitize(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var character in name)
        {
            var valid = char.IsAsciiLetterOrDigit(character) ? character : '_';
            if (valid != '_' || text.Length == 0 || text[^1] != '_') text.Append(valid);
        }

        if (text.Length > 0 && char.IsAsciiDigit(text[0])) text.Insert(0, '_');
        return text.ToString();
    }
}
