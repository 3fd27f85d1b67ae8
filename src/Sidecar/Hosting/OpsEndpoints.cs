using Sidecar.Hosting.Listening;
using Sidecar.Hosting.Probes;
using Sidecar.Hosting.StatusPage;

namespace Sidecar.Hosting;

/// <summary>What the ops listener answers: liveness, readiness and metrics.</summary>
internal static class OpsEndpoints
{
    public static void MapOps(this WebApplication app)
    {
        var ops = app.MapGroup("").WithMetadata(new ReachedThrough(ListenerRole.Ops));
        ops.MapGet("/healthz", context => Write(context, StatusCodes.Status200OK, "ok\n"));
        ops.MapGet("/readyz", WriteReadiness);
        ops.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(
            new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head])); // of itself it answers any
        ops.MapStatusPage();
    }

    private static Task WriteReadiness(HttpContext context)
    {
        var obstacle = context.RequestServices.GetRequiredService<Readiness>().Obstacle();
        return obstacle is null
            ? Write(context, StatusCodes.Status200OK, "ready\n")
            : Write(context, StatusCodes.Status503ServiceUnavailable, obstacle + "\n");
    }

    private static Task Write(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
