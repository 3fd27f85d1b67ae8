using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Sidecar.Telemetry;

/// <summary>One instrument and its series, one a set of tags.</summary>
internal sealed class MetricFamily
{
    // From a millisecond to two hours: an upload of a large image takes hours, an fsync a millisecond.
    private static readonly double[] Buckets =
        [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200];

    private enum Kind
    {
        Counter,
        Gauge,
        Histogram,
    }

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly Kind _kind;
    private readonly bool _isObservable;
    private readonly string _description;

    public MetricFamily(Instrument instrument)
    {
        _kind = KindOf(instrument);
        _isObservable = instrument.IsObservable;
        _description = instrument.Description ?? "";
        Name = _kind == Kind.Counter ? instrument.Name + "_total" : instrument.Name;
    }

    public string Name { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        lock (_lock)
        {
            if (!_series.TryGetValue(labels, out var series)) _series[labels] = series = new Series(Buckets.Length);
            if (_isObservable) series.Value = value;
            else series.Value += value;
            if (_kind == Kind.Histogram) series.Count(value);
        }
    }

    public void Write(StringBuilder text)
    {
        lock (_lock)
        {
            text.Append("# HELP ").Append(Name).Append(' ').Append(Escape(_description)).Append('\n');
            text.Append("# TYPE ").Append(Name).Append(' ').Append(TypeName(_kind)).Append('\n');
            foreach (var (labels, series) in _series)
            {
                if (_kind == Kind.Histogram) WriteHistogram(text, labels, series);
                else WriteSample(text, Name, labels, series.Value);
            }
        }
    }

    private void WriteHistogram(StringBuilder text, string labels, Series series)
    {
        var separator = labels.Length == 0 ? "" : ",";
        var cumulative = 0L;
        for (var i = 0; i < Buckets.Length; i++)
        {
            cumulative += series.Counts[i];
            WriteSample(text, Name + "_bucket", $"{labels}{separator}le=\"{Number(Buckets[i])}\"", cumulative);
        }

        WriteSample(text, Name + "_bucket", $"{labels}{separator}le=\"+Inf\"", series.Total);
        WriteSample(text, Name + "_sum", labels, series.Value);
        WriteSample(text, Name + "_count", labels, series.Total);
    }

    private static void WriteSample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static Kind KindOf(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        if (type == typeof(Histogram<>)) return Kind.Histogram;
        return type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? Kind.Counter : Kind.Gauge;
    }

    private static string TypeName(Kind kind) => kind switch
    {
        Kind.Counter => "counter",
        Kind.Gauge => "gauge",
        Kind.Histogram => "histogram",
    };

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return "";
        var labels = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            if (labels.Length > 0) labels.Append(',');
            var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            labels.Append(name).Append("=\"").Append(Escape(text).Replace("\"", "\\\"", StringComparison.Ordinal))
                .Append('"');
        }

        return labels.ToString();
    }

    private static string Escape(string text) =>
        text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private sealed class Series(int buckets)
    {
        public double Value { get; set; }

        public long Total { get; private set; }

        public long[] Counts { get; } = new long[buckets];

        public void Count(double value)
        {
            Total++;
            var bucket = Array.FindIndex(Buckets, bound => value <= bound);
            if (bucket >= 0) Counts[bucket]++;
        }
    }
}
