using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Rpc.Calls;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>
/// A real server on a Unix socket with the daemon's own interceptors, whose handlers do as the test says: what a daemon
/// answers only when something is broken can be had at will.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedServer(WebApplication app, string socket)
    {
        _app = app;
        Socket = socket;
    }

    public string Socket { get; }

    public static async Task<ScriptedServer> StartAsync(
        string socket, Func<ServerCallContext, Task<Capacity>>? unary = null,
        Func<IAsyncStreamReader<StageRequest>, ServerCallContext, Task<StagedImage>>? upload = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.ListenUnixSocket(socket, listener => listener.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<CallObserver>().AddSingleton<RefusalMapper>();
        builder.Services.AddSingleton(new Script(unary, upload));
        builder.Services.AddGrpc(grpc =>
        {
            grpc.Interceptors.Add<CallObserver>();
            grpc.Interceptors.Add<RefusalMapper>();
        });
        var app = builder.Build();
        app.UseRouting();
        app.UseMiddleware<CallEntry>();
        app.MapGrpcService<ScriptedService>();
        await app.StartAsync();
        return new ScriptedServer(app, socket);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private sealed record Script(
        Func<ServerCallContext, Task<Capacity>>? Unary,
        Func<IAsyncStreamReader<StageRequest>, ServerCallContext, Task<StagedImage>>? Upload);

    private sealed class ScriptedService(Script script) : Glance.Sidecar.V1.Staging.StagingBase
    {
        public override Task<Capacity> GetCapacity(GetCapacityRequest request, ServerCallContext context) =>
            script.Unary!(context);

        public override Task<StagedImage> Stage(
            IAsyncStreamReader<StageRequest> requestStream, ServerCallContext context) =>
            script.Upload!(requestStream, context);
    }
}
