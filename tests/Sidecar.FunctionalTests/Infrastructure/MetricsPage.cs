using System.Globalization;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>What a daemon's /metrics says.</summary>
internal static class MetricsPage
{
    /// <summary>The value of one series; 0 when there is none yet.</summary>
    public static async Task<double> ReadAsync(SidecarInstance sidecar, string series, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = sidecar.Ops };
        var text = await http.GetStringAsync("/metrics", cancellationToken);
        Assert.That(text, Does.Contain("glance_staging_images"), "the page itself");
        var wanted = Sorted(series);
        var values = text.Split('\n')
            .Where(line => line.Length > 0 && line[0] != '#' && Sorted(line[..line.LastIndexOf(' ')]) == wanted)
            .Select(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
        return values.SingleOrDefault();
    }

    /// <summary>Waits until the series has counted that much.</summary>
    public static async Task UntilAsync(SidecarInstance sidecar, string series, double atLeast, CancellationToken cancellationToken)
    {
        while (await ReadAsync(sidecar, series, cancellationToken) < atLeast) cancellationToken.ThrowIfCancellationRequested();
    }

    // The order of labels means nothing, nor do the braces around none.
    private static string Sorted(string series)
    {
        var labels = series.IndexOf('{');
        return labels < 0 || series[labels..] == "{}"
            ? series.TrimEnd('{', '}')
            : series[..labels] + string.Join(',', series[(labels + 1)..^1].Split(',').Order(StringComparer.Ordinal));
    }
}
