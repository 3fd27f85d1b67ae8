using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sidecar.FunctionalTests.Downloads;

/// <summary>A web server of one test, on loopback unless the test wants it elsewhere, which answers as the test wants.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<string> _ranges = new();
    private readonly ConcurrentQueue<string> _paths = new();

    private FileServer(Func<FileServer, HttpContext, Task> answer, X509Certificate2? certificate, string address)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            if (certificate is not null) kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = certificate);
        });
        if (certificate is not null) builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseUrls($"{(certificate is null ? "http" : "https")}://{address}:0");
        _app = builder.Build();
        _app.Run(call =>
        {
            _paths.Enqueue(call.Request.Path);
            _ranges.Enqueue(call.Request.Headers.Range.ToString());
            return answer(this, call);
        });
    }

    public Uri Url => new(new Uri(_app.Urls.Single()), "image?token=" + Token);

    public int Port => Url.Port;

    /// <summary>Part of every URL: what nobody may see.</summary>
    public static string Token => "s3cr3t-in-a-query";

    /// <summary>The header Range of each request, in their order; empty of one without.</summary>
    public IReadOnlyList<string> Ranges => _ranges.ToArray();

    public IReadOnlyList<string> Paths => _paths.ToArray();

    public static Task<FileServer> StartAsync(Func<HttpContext, Task> answer, X509Certificate2? certificate = null) =>
        StartAsync((_, call) => answer(call), certificate);

    public static async Task<FileServer> StartAsync(
        Func<FileServer, HttpContext, Task> answer, X509Certificate2? certificate = null, string address = "127.0.0.1")
    {
        var server = new FileServer(answer, certificate, address);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>All of a file, whatever is asked for.</summary>
    public static async Task SendAsync(HttpContext call, byte[] content)
    {
        call.Response.ContentLength = content.Length;
        await call.Response.Body.WriteAsync(content);
    }

    /// <summary>A file, or the part of it that is asked for, of this version.</summary>
    /// <param name="breakAt">After so many bytes of the answer, and what is then waited for, the connection breaks.</param>
    public static async Task SendPartAsync(
        HttpContext call, byte[] content, string tag, int? breakAt = null, Func<Task>? beforeBreak = null)
    {
        call.Response.Headers.ETag = tag;
        call.Response.Headers.AcceptRanges = "bytes";
        var (from, end) = Asked(call, content.Length, tag);
        if (call.Response.StatusCode == StatusCodes.Status206PartialContent)
        {
            call.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{end - 1}/{content.Length}");
        }

        call.Response.ContentLength = end - from;
        await call.Response.Body.WriteAsync(content.AsMemory(from, Math.Min(end - from, breakAt ?? int.MaxValue)));
        if (breakAt is null) return;
        await call.Response.Body.FlushAsync();
        if (beforeBreak is not null) await beforeBreak();
        call.Abort();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static (int From, int End) Asked(HttpContext call, int length, string tag)
    {
        var range = call.Request.GetTypedHeaders().Range?.Ranges.Single();
        if (range is null || call.Request.Headers.IfRange != tag) return (0, length);
        call.Response.StatusCode = StatusCodes.Status206PartialContent;
        return ((int)range.From!, (int)(range.To ?? (length - 1)) + 1);
    }
}
