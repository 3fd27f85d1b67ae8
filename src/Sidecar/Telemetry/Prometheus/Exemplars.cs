using OpenTelemetry.Metrics;

namespace Sidecar.Telemetry.Prometheus;

/// <summary>One measurement, and the trace that it was made in.</summary>
internal readonly record struct SampledValue(double Value, string TraceId, string SpanId, DateTimeOffset At);

/// <summary>The measurements of a series that belong to traces which were recorded.</summary>
internal static class Exemplars
{
    /// <param name="isLong">Of which kind the metric is: an exemplar keeps both in the same bits.</param>
    public static IReadOnlyList<SampledValue> Of(in MetricPoint point, bool isLong)
    {
        if (!point.TryGetExemplars(out var exemplars)) return [];
        List<SampledValue> found = [];
        foreach (ref readonly var exemplar in exemplars)
        {
            if (exemplar.TraceId == default) continue;
            found.Add(new SampledValue(
                isLong ? exemplar.LongValue : exemplar.DoubleValue, exemplar.TraceId.ToHexString(),
                exemplar.SpanId.ToHexString(), exemplar.Timestamp));
        }

        return found;
    }

    public static SampledValue? Newest(in MetricPoint point, bool isLong)
    {
        var all = Of(point, isLong);
        return all.Count == 0 ? null : all.MaxBy(exemplar => exemplar.At);
    }

    /// <summary>One that a histogram's bucket counted: above the bound below it, up to its own.</summary>
    public static SampledValue? Within(IReadOnlyList<SampledValue> exemplars, double above, double upTo)
    {
        foreach (var exemplar in exemplars)
        {
            if (exemplar.Value > above && exemplar.Value <= upTo) return exemplar;
        }

        return null;
    }
}
