using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sidecar.FunctionalTests.Observability.Otlp;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>A span, and the pod that sent it.</summary>
internal sealed record SentSpan(string Pod, Span Span)
{
    public string Id => Convert.ToHexStringLower(Span.SpanId.Span);

    public string Parent => Convert.ToHexStringLower(Span.ParentSpanId.Span);

    public string Trace => Convert.ToHexStringLower(Span.TraceId.Span);

    public string Attribute(string key) =>
        Span.Attributes.FirstOrDefault(attribute => attribute.Key == key)?.Value.StringValue ?? "";
}

/// <summary>Keeps the spans that daemons send by OTLP over HTTP.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly ConcurrentQueue<SentSpan> _spans = new();
    private readonly ConcurrentQueue<string> _authorizations = new();
    private readonly WebApplication _app;

    private OtlpCollector(WebApplication app) => _app = app;

    public IEnumerable<SentSpan> Spans => _spans;

    /// <summary>The authorization header of each request that came.</summary>
    public IEnumerable<string> Authorizations => _authorizations;

    /// <summary>Variables under which a daemon sends its spans here, soon.</summary>
    public string[] Environment =>
    [
        $"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={Address}/v1/traces", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY=100",
    ];

    private string Address =>
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<OtlpCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var collector = new OtlpCollector(app);
        app.MapPost("/v1/traces", collector.ReceiveAsync);
        await app.StartAsync();
        return collector;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        _authorizations.Enqueue(context.Request.Headers.Authorization.ToString());
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var export = ExportTraceServiceRequest.Parser.ParseFrom(body.ToArray());
        foreach (var resource in export.ResourceSpans)
        {
            var pod = resource.Resource.Attributes.Single(attribute => attribute.Key == "service.instance.id").Value.StringValue;
            foreach (var span in resource.ScopeSpans.SelectMany(scope => scope.Spans)) _spans.Enqueue(new SentSpan(pod, span));
        }

        context.Response.ContentType = "application/x-protobuf";
    }
}
