using System.Globalization;
using NUnit.Framework;

namespace Sidecar.FunctionalTests;

/// <summary>What a daemon's /metrics says.</summary>
internal static class MetricsPage
{
    /// <summary>The value of one series; 0 when there is none yet.</summary>
    public static async Task<double> ReadAsync(SidecarInstance sidecar, string series, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = sidecar.Ops };
        var text = await http.GetStringAsync("/metrics", cancellationToken);
        Assert.That(text, Does.Contain("glance_staging_images"), "the page itself");
        var line = text.Split('\n').SingleOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
