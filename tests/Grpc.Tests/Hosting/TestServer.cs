using System.Net;
using Grpc.AspNetCore.Server;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Grpc.Tests.Hosting;

/// <summary>A real Kestrel on loopback (or a socket file) with the services that a test maps.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ErrorSink _errors;

    private TestServer(WebApplication app, ErrorSink errors)
    {
        _app = app;
        _errors = errors;
    }

    /// <summary>Errors that the server logged; a test that provokes one takes them away.</summary>
    public ErrorSink Errors => _errors;

    public string Address => _app.Urls.Single();

    public IServiceProvider Services => _app.Services;

    public static async Task<TestServer> StartAsync(
        Action<WebApplication> map,
        Action<GrpcServiceOptions>? configure = null,
        Action<IServiceCollection>? register = null,
        HttpProtocols protocols = HttpProtocols.Http2,
        string? unixSocket = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var errors = new ErrorSink();
        builder.Logging.ClearProviders().AddProvider(errors);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            if (unixSocket is null)
                kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols);
            else
                kestrel.ListenUnixSocket(unixSocket, listen => listen.Protocols = protocols);
        });
        builder.Services.AddGrpc(configure ?? (_ => { }));
        register?.Invoke(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new TestServer(app, errors);
    }

    /// <summary>A server with one service object that all calls share.</summary>
    public static Task<TestServer> StartAsync<TService>(TService service, Action<GrpcServiceOptions>? configure = null)
        where TService : class => StartAsync(
            app => app.MapGrpcService<TService>(), configure, services => services.AddSingleton(service));

    public GrpcChannel Channel() => GrpcChannel.ForAddress(Address);

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        // Stopped before it is disposed, so that a call that is just arriving still finds its services.
        await _app.StopAsync();
        await _app.DisposeAsync();
        Assert.That(_errors.Taken(), Is.Empty, "errors in the server's log");
    }
}
