using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Glance.Tests.Harness.Servers;

/// <summary>As much of keystone v3 as tempest asks for: tokens by password, which the pods' token filter understands.</summary>
internal sealed class IdentityServer : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly Uri _images;

    private IdentityServer(Uri images)
    {
        _images = images;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    public Uri Address => new(new Uri(_server.Urls.Single()), "/v3");

    /// <param name="images">Where the image service is, for the catalog.</param>
    public static async Task<IdentityServer> StartAsync(Uri images)
    {
        var server = new IdentityServer(images);
        await server._server.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext call)
    {
        if (call.Request.Path != "/v3/auth/tokens" || call.Request.Method != HttpMethods.Post)
        {
            call.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using var request = await JsonDocument.ParseAsync(call.Request.Body);
        var auth = request.RootElement.GetProperty("auth");
        var user = auth.GetProperty("identity").GetProperty("password").GetProperty("user").GetProperty("name").GetString()!;
        var project = auth.GetProperty("scope").GetProperty("project").GetProperty("name").GetString()!;
        var role = user[..^1]; // the last character tells users of one role apart
        string[] roles = role is "admin" or "reader" ? [role] : ["member", "reader"];
        call.Response.StatusCode = StatusCodes.Status201Created;
        call.Response.Headers["X-Subject-Token"] = $"{user}:{project}:{string.Join(',', roles)}";
        await call.Response.WriteAsJsonAsync(new { token = Token(user, project, roles) });
    }

    private object Token(string user, string project, string[] roles) => new
    {
        methods = new[] { "password" },
        user = new { id = user, name = user, domain = Domain },
        project = new { id = project, name = project, domain = Domain },
        roles = roles.Select(role => new { id = role, name = role }),
        issued_at = Text(DateTime.UtcNow),
        expires_at = Text(DateTime.UtcNow.AddHours(8)),
        catalog = new[] { Service("image", _images), Service("identity", Address) },
    };

    private static object Domain => new { id = "default", name = "Default" };

    private static object Service(string type, Uri address) => new
    {
        id = type, type, name = type,
        endpoints = new[]
        {
            new { id = type, @interface = "public", region = "RegionOne", region_id = "RegionOne", url = address.ToString().TrimEnd('/') },
        },
    };

    private static string Text(DateTime time) =>
        time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
