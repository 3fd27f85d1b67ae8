using System.Collections.Frozen;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Sidecar.Telemetry.Calls;
using Sidecar.Telemetry.Prometheus;

namespace Sidecar.Telemetry;

/// <summary>
/// The OpenTelemetry SDK: which meters and spans are looked at, and where they go. Metrics are always there for a
/// scrape. They, and spans, are also sent by OTLP when the standard variables say where:
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, or the same for <c>_TRACES_</c> or <c>_METRICS_</c> alone.
/// </summary>
internal static class TelemetryServices
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly string[] Meters =
    [
        SidecarActivities.SourceName, CallSpan.SourceName, "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.MemoryPool",
    ];

    // Counts that Prometheus' rules would name like parts of a histogram, and gauges that .NET publishes as counters.
    private static readonly FrozenSet<string> Unwanted = FrozenSet.Create(
        "dotnet.assembly.count", "dotnet.process.cpu.count", "dotnet.timer.count", "dotnet.thread_pool.thread.count",
        "dotnet.thread_pool.queue.length");

    /// <param name="podName">Tells this pod from the others, as <c>service.instance.id</c>.</param>
    public static IServiceCollection AddTelemetry(
        this IServiceCollection services, Func<IServiceProvider, string> podName)
    {
        services.AddSingleton<PrometheusExporter>();
        services.AddSingleton(provider => BuildMetrics(provider, podName(provider)));
        services.AddSingleton(provider => BuildTraces(podName(provider)));
        return services;
    }

    /// <summary>Starts to look. Before the first measurement, which would be lost.</summary>
    public static void StartTelemetry(this IServiceProvider provider)
    {
        _ = provider.GetRequiredService<MeterProvider>();
        _ = provider.GetRequiredService<TracerProvider>();
    }

    private static MeterProvider BuildMetrics(IServiceProvider services, string podName)
    {
        var builder = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => Describe(resource, podName))
            .SetExemplarFilter(ExemplarFilterType.TraceBased)
            .AddMeter(IsDisabled ? [] : Meters)
            .AddView(instrument => Unwanted.Contains(instrument.Name) ? MetricStreamConfiguration.Drop : null)
            .AddReader(new BaseExportingMetricReader(services.GetRequiredService<PrometheusExporter>()));
        if (IsSent("METRICS")) builder.AddOtlpExporter(options => Direct(options, "METRICS"));
        return builder.Build();
    }

    private static TracerProvider BuildTraces(string podName)
    {
        var builder = Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => Describe(resource, podName));
        // Nobody to send to: nothing is recorded, and spans cost nothing. The trace ids of callers still pass through.
        if (IsSent("TRACES"))
        {
            builder.AddSource(CallSpan.SourceName, SidecarActivities.SourceName)
                .AddOtlpExporter(options => Direct(options, "TRACES"));
        }

        return builder.Build();
    }

    // The exporter itself only reads the variables that are for all signals.
    private static void Direct(OtlpExporterOptions options, string signal)
    {
        if (Variable($"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") is { Length: > 0 } protocol)
        {
            options.Protocol = protocol == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        }

        if (Variable($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") is { Length: > 0 } endpoint)
        {
            options.Endpoint = new Uri(endpoint);
        }

        if (Variable($"OTEL_EXPORTER_OTLP_{signal}_HEADERS") is { Length: > 0 } headers) options.Headers = headers;
    }

    private static bool IsSent(string signal) =>
        !IsOff(signal)
        && (Variable(Endpoint) is { Length: > 0 }
            || Variable($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") is { Length: > 0 });

    private static bool IsDisabled =>
        string.Equals(Variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase);

    private static bool IsOff(string signal) => IsDisabled
        || string.Equals(Variable($"OTEL_{signal}_EXPORTER"), "none", StringComparison.OrdinalIgnoreCase);

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name);

    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, so that they win.
    private static void Describe(ResourceBuilder resource, string podName) => resource
        .AddService(
            "glance-staging-sidecar",
            serviceVersion: SidecarVersion.Text,
            serviceInstanceId: podName)
        .AddEnvironmentVariableDetector();
}
