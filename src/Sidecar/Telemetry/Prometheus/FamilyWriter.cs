using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Sidecar.Telemetry.Prometheus;

/// <summary>Writes one metric with all its series.</summary>
internal sealed class FamilyWriter(ExpositionText text)
{
    // Label sets of a histogram are written once a bucket.
    private readonly StringBuilder _labels = new();

    public void Write(Metric metric)
    {
        var (isGauge, type) = KindOf(metric.MetricType);
        var family = MetricNames.Family(metric.Name, metric.Unit, isGauge);
        var sample = type == "counter" ? family + "_total" : family;
        text.Head(
            text.IsOpenMetrics ? family : sample, type, metric.Description, MetricNames.UnitWord(metric.Unit, isGauge));
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = Labels(point.Tags);
            if (type == "histogram") WriteHistogram(family, labels, point);
            else WriteValue(metric.MetricType, sample, labels, point, type == "counter");
        }
    }

    private static (bool IsGauge, string Type) KindOf(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => (false, "counter"),
        MetricType.Histogram or MetricType.ExponentialHistogram => (false, "histogram"),
        _ => (true, "gauge"),
    };

    private void WriteValue(MetricType type, string name, string labels, in MetricPoint point, bool isCounter)
    {
        Begin(name, labels);
        switch (type)
        {
            case MetricType.LongSum or MetricType.LongSumNonMonotonic: text.Number(point.GetSumLong()); break;
            case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic: text.Number(point.GetSumDouble()); break;
            case MetricType.LongGauge: text.Number(point.GetGaugeLastValueLong()); break;
            default: text.Number(point.GetGaugeLastValueDouble()); break;
        }

        if (isCounter && text.IsOpenMetrics) WriteExemplar(Exemplars.Newest(point, type == MetricType.LongSum));
        text.Append("\n");
    }

    private void WriteHistogram(string family, string labels, in MetricPoint point)
    {
        var exemplars = text.IsOpenMetrics ? Exemplars.Of(point, isLong: false) : [];
        var separator = labels.Length == 0 ? "" : ",";
        var (cumulative, below) = (0L, double.NegativeInfinity);
        foreach (var bucket in point.GetHistogramBuckets())
        {
            cumulative += bucket.BucketCount;
            text.Append(family).Append("_bucket{").Append(labels).Append(separator).Append("le=\"");
            if (double.IsPositiveInfinity(bucket.ExplicitBound)) text.Append("+Inf");
            else text.Bound(bucket.ExplicitBound);
            text.Append("\"} ").Number(cumulative);
            WriteExemplar(Exemplars.Within(exemplars, below, bucket.ExplicitBound));
            text.Append("\n");
            below = bucket.ExplicitBound;
        }

        Begin(family + "_sum", labels);
        text.Number(point.GetHistogramSum()).Append("\n");
        Begin(family + "_count", labels);
        text.Number(point.GetHistogramCount()).Append("\n");
    }

    private void Begin(string name, string labels)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append("{").Append(labels).Append("}");
        text.Append(" ");
    }

    private void WriteExemplar(SampledValue? exemplar)
    {
        if (exemplar is not { } value) return;
        text.Append(" # {trace_id=\"").Append(value.TraceId).Append("\",span_id=\"").Append(value.SpanId).Append("\"} ")
            .Number(value.Value).Append(" ").Append(Seconds(value.At));
    }

    private static string Seconds(DateTimeOffset at) =>
        (at.ToUnixTimeMilliseconds() / 1000.0).ToString("F3", CultureInfo.InvariantCulture);

    private string Labels(ReadOnlyTagCollection tags)
    {
        if (tags.Count == 0) return "";
        _labels.Clear();
        foreach (var (key, value) in tags)
        {
            if (_labels.Length > 0) _labels.Append(',');
            var escaped = (Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
                .Replace("\\", @"\\", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal);
            _labels.Append(MetricNames.Label(key)).Append("=\"").Append(escaped).Append('"');
        }

        return _labels.ToString();
    }
}
