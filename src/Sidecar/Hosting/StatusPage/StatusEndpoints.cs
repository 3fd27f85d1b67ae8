using System.Text.Json;

namespace Sidecar.Hosting.StatusPage;

/// <summary>
/// The status page: a static page, its style and script, and the report that the script asks for. Nothing is loaded
/// from elsewhere, and whatever a name or a failure says is shown as text.
/// </summary>
internal static class StatusEndpoints
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void MapStatusPage(this IEndpointRouteBuilder ops)
    {
        ops.MapGet("/", context => SendAsync(context, "index.html", "text/html"));
        ops.MapGet("/status.css", context => SendAsync(context, "status.css", "text/css"));
        ops.MapGet("/status.js", context => SendAsync(context, "status.js", "text/javascript"));
        ops.MapGet("/status.json", ReportAsync);
    }

    private static Task ReportAsync(HttpContext context)
    {
        Protect(context.Response);
        context.Response.ContentType = "application/json; charset=utf-8";
        var report = context.RequestServices.GetRequiredService<StatusReporter>().Take();
        return JsonSerializer.SerializeAsync(
            context.Response.Body, report, StatusJson.Default.StatusReport, context.RequestAborted);
    }

    private static async Task SendAsync(HttpContext context, string file, string type)
    {
        Protect(context.Response);
        context.Response.ContentType = type + "; charset=utf-8";
        await using var content = typeof(StatusEndpoints).Assembly.GetManifestResourceStream($"StatusPage.{file}")!;
        await content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private static void Protect(HttpResponse response)
    {
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.CacheControl = "no-store";
    }
}
