using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Telemetry;

namespace Sidecar.HotPaths;

/// <summary>Instruments that the OpenTelemetry SDK listens to, as in the daemon.</summary>
internal sealed class MeasuredMetrics : IDisposable
{
    private readonly ServiceProvider _services;

    public MeasuredMetrics()
    {
        _services = new ServiceCollection().AddLogging().AddMetrics().AddTelemetry(_ => "pod").BuildServiceProvider();
        _services.StartTelemetry();
    }

    public IMeterFactory Factory => _services.GetRequiredService<IMeterFactory>();

    public void Dispose() => _services.Dispose();
}
