using Sidecar.Telemetry;

namespace Sidecar.Hosting;

/// <summary>What the ops listener answers: liveness, readiness and metrics.</summary>
internal static class OpsEndpoints
{
    private const string PrometheusText = "text/plain; version=0.0.4; charset=utf-8";

    public static void MapOps(this WebApplication app)
    {
        var ops = app.MapGroup("").WithMetadata(new ReachedThrough(ListenerRole.Ops));
        ops.MapGet("/healthz", context => Write(context, StatusCodes.Status200OK, "ok\n"));
        ops.MapGet("/readyz", WriteReadiness);
        ops.MapGet("/metrics", WriteMetrics);
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
        var text = context.RequestServices.GetRequiredService<MetricsCollector>().Write();
        context.Response.ContentType = PrometheusText;
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static Task Write(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
