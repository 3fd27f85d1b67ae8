using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Sidecar.Benchmarks;

/// <summary>Takes whatever is sent by OTLP over HTTP, and forgets it.</summary>
internal sealed class OtlpSink : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OtlpSink(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public static async Task<OtlpSink> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(context => context.Request.Body.CopyToAsync(Stream.Null));
        await app.StartAsync();
        return new OtlpSink(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
