using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Glance.Tests.Harness.Servers;

/// <summary>A web server that users download images from.</summary>
internal sealed class WebServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, byte[]> _files = new();
    private readonly ConcurrentDictionary<string, Func<HttpContext, Task>> _answers = new();
    private readonly WebApplication _server;

    private WebServer()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _server = builder.Build();
        _server.Run(ServeAsync);
    }

    public Uri Address => new(_server.Urls.Single());

    public static async Task<WebServer> StartAsync()
    {
        var server = new WebServer();
        await server._server.StartAsync();
        return server;
    }

    /// <returns>Where it can be downloaded.</returns>
    public Uri Publish(string name, byte[] bytes)
    {
        _files["/" + name] = bytes;
        return new Uri(Address, name);
    }

    /// <summary>Has a test answer by itself.</summary>
    public Uri Publish(string name, Func<HttpContext, Task> answer)
    {
        _answers["/" + name] = answer;
        return new Uri(Address, name);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(HttpContext call)
    {
        if (_answers.TryGetValue(call.Request.Path, out var answer))
        {
            await answer(call);
            return;
        }

        if (!_files.TryGetValue(call.Request.Path, out var bytes))
        {
            call.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        call.Response.ContentLength = bytes.Length;
        await call.Response.Body.WriteAsync(bytes);
    }
}
