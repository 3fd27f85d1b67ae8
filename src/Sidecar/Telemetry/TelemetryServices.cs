using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Sidecar.Telemetry.Calls;

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
        SidecarActivities.SourceName, CallSpan.SourceName, "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.MemoryPool",
    ];

    // Counts that Prometheus' rules would name like parts of a histogram, gauges that .NET publishes as counters, what
    // ProcessMetrics has, and what is always 0 in native code.
    private static readonly FrozenSet<string> Unwanted = FrozenSet.Create(
        "dotnet.assembly.count", "dotnet.process.cpu.count", "dotnet.timer.count", "dotnet.thread_pool.thread.count",
        "dotnet.thread_pool.queue.length", "process.thread.count", "process.cpu.time", "process.uptime",
        "dotnet.jit.compiled_il.size", "dotnet.jit.compiled_methods", "dotnet.jit.compilation.time");

    // By the names that Prometheus' own client libraries use, for which everybody's dashboards ask.
    private static readonly FrozenDictionary<string, string> Renamed = new Dictionary<string, string>
    {
        ["process.memory.usage"] = "process.resident_memory",
        ["process.memory.virtual"] = "process.virtual_memory",
        ["process.unix.file_descriptor.count"] = "process.open_fds",
    }.ToFrozenDictionary();

    // The SDK takes the memory for all series that an instrument may ever have when it is made: for 2000, if it is told nothing,
    // which were 14 MB of this program and two collections of garbage at its start. More of them than so many would be counted as one.
    private const int Series = 256;

    // A series for each peer; for each method and status; for each format and check.
    private static readonly FrozenSet<string> OfManySeries = FrozenSet.Create(
        "glance_staging_peer_up", "glance_staging_peer_clock_skew_seconds", "rpc.server.call.duration", "rpc.client.call.duration",
        "glance_staging_inspection_refusals");

    /// <param name="podName">Tells this pod from the others, as <c>service.instance.id</c>.</param>
    public static IServiceCollection AddTelemetry(
        this IServiceCollection services, Func<IServiceProvider, string> podName)
    {
        services.AddOpenTelemetry()
            // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, so that they win.
            .ConfigureResource(resource => resource
                .AddDetector(provider => new PodResource(podName(provider)))
                .AddEnvironmentVariableDetector())
            .WithMetrics(AddMetrics)
            .WithTracing(AddTraces);
        return services;
    }

    /// <summary>
    /// Starts to look. The host would do so when it starts, and what was measured before, as in recovery, be lost.
    /// </summary>
    public static void StartTelemetry(this IServiceProvider provider)
    {
        _ = provider.GetRequiredService<MeterProvider>();
        _ = provider.GetRequiredService<TracerProvider>();
    }

    private static void AddMetrics(MeterProviderBuilder builder)
    {
        builder.SetExemplarFilter(ExemplarFilterType.TraceBased)
            .AddMeter(Meters)
            .AddRuntimeInstrumentation()
            .AddProcessInstrumentation()
            .AddView(Shape)
            .AddPrometheusExporter(Write);
        if (IsSent("METRICS")) builder.AddOtlpExporter(options => Direct(options, "METRICS"));
    }

    private static MetricStreamConfiguration? Shape(Instrument instrument) =>
        Unwanted.Contains(instrument.Name) ? MetricStreamConfiguration.Drop
        : OfManySeries.Contains(instrument.Name) ? null
        : new MetricStreamConfiguration { Name = Renamed.GetValueOrDefault(instrument.Name), CardinalityLimit = Series };

    private static void Write(PrometheusAspNetCoreOptions options)
    {
        // Each series would have the name of its meter for a label, which tells nobody anything.
        options.ScopeInfoEnabled = false;
        // Prometheus knows the pod by its target already.
        options.TargetInfoEnabled = false;
        // A scrape tells what is, not what was.
        options.ScrapeResponseCacheDurationMilliseconds = 0;
    }

    private static void AddTraces(TracerProviderBuilder builder)
    {
        // Nobody to send to: nothing is recorded, and spans cost nothing. The trace ids of callers still pass through.
        if (!IsSent("TRACES")) return;
        builder.AddSource(CallSpan.SourceName, SidecarActivities.SourceName)
            .AddOtlpExporter(options => Direct(options, "TRACES"));
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

    private static bool IsOff(string signal) =>
        string.Equals(Variable($"OTEL_{signal}_EXPORTER"), "none", StringComparison.OrdinalIgnoreCase);

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name);

    private sealed class PodResource(string podName) : IResourceDetector
    {
        public Resource Detect() => ResourceBuilder.CreateEmpty()
            .AddService(
                "glance-staging-sidecar", serviceVersion: SidecarVersion.Text, serviceInstanceId: podName)
            .Build();
    }
}
