using Microsoft.Net.Http.Headers;
using Sidecar.Hosting.StatusPage;
using Sidecar.Telemetry.Prometheus;

namespace Sidecar.Hosting;

/// <summary>What the ops listener answers: liveness, readiness and metrics.</summary>
internal static class OpsEndpoints
{
    public static void MapOps(this WebApplication app)
    {
        var ops = app.MapGroup("").WithMetadata(new ReachedThrough(ListenerRole.Ops));
        ops.MapGet("/healthz", context => Write(context, StatusCodes.Status200OK, "ok\n"));
        ops.MapGet("/readyz", WriteReadiness);
        ops.MapGet("/metrics", WriteMetrics);
        ops.MapStatusPage();
    }

    private static Task WriteReadiness(HttpContext context)
    {
        var obstacle = context.RequestServices.GetRequiredService<Readiness>().Obstacle();
        return obstacle is null
            ? Write(context, StatusCodes.Status200OK, "ready\n")
            : Write(context, StatusCodes.Status503ServiceUnavailable, obstacle + "\n");
    }

    private static Task WriteMetrics(HttpContext context)
    {
        var format = ExpositionFormats.Negotiate(context.Request);
        var text = context.RequestServices.GetRequiredService<PrometheusExporter>().Scrape(format);
        context.Response.ContentType = format.ContentType();
        context.Response.Headers.Vary = HeaderNames.Accept;
        return context.Response.BodyWriter.WriteAsync(text, context.RequestAborted).AsTask();
    }

    private static Task Write(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
