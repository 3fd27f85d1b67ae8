using System.Net;
using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Rpc.Calls;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>
/// A real server with the daemon's own interceptors, whose handlers do as the test says: what a daemon
/// answers only when something is broken can be had at will.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedServer(WebApplication app) => _app = app;

    /// <summary>Its Unix socket.</summary>
    public string Socket { get; private init; } = "";

    public static async Task<ScriptedServer> StartAsync(
        string socket, Func<ServerCallContext, Task<Capacity>>? unary = null,
        Func<IAsyncStreamReader<StageRequest>, ServerCallContext, Task<StagedImage>>? upload = null) =>
        new(await RunAsync(new Script(unary, upload), kestrel =>
            kestrel.ListenUnixSocket(socket, listener => listener.Protocols = HttpProtocols.Http2))) { Socket = socket };

    public static async Task<ScriptedServer> StartAsync(IPEndPoint address, Func<ServerCallContext, Task<Capacity>> unary) =>
        new(await RunAsync(new Script(unary, null), kestrel =>
            kestrel.Listen(address, listener => listener.Protocols = HttpProtocols.Http2)));

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static async Task<WebApplication> RunAsync(Script script, Action<KestrelServerOptions> listen)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(listen);
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<CallObserver>().AddSingleton<RefusalMapper>();
        builder.Services.AddSingleton(script);
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
        return app;
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
