using Microsoft.Net.Http.Headers;

namespace Sidecar.Telemetry.Prometheus;

/// <summary>The two texts that Prometheus reads. Only OpenMetrics has exemplars.</summary>
internal enum ExpositionFormat
{
    /// <summary>Prometheus text 0.0.4.</summary>
    Text,

    /// <summary>OpenMetrics 1.0.0.</summary>
    OpenMetrics,
}

/// <summary>Chooses the format by the request, as RFC 9110 has it: the better weight wins.</summary>
internal static class ExpositionFormats
{
    private const string OpenMetricsType = "application/openmetrics-text";

    public static string ContentType(this ExpositionFormat format) => format switch
    {
        ExpositionFormat.Text => "text/plain; version=0.0.4; charset=utf-8",
        ExpositionFormat.OpenMetrics => OpenMetricsType + "; version=1.0.0; charset=utf-8",
    };

    public static ExpositionFormat Negotiate(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)) return ExpositionFormat.Text;
        var open = accepted.Where(type => type.MediaType == OpenMetricsType).Max(Weight) ?? 0;
        var text = accepted.Where(type => type.MediaType != OpenMetricsType).Max(Weight) ?? 0;
        return open > 0 && open >= text ? ExpositionFormat.OpenMetrics : ExpositionFormat.Text;
    }

    private static double? Weight(MediaTypeHeaderValue type) => type.Quality ?? 1;
}
