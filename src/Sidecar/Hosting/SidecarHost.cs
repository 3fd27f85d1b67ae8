using System.Collections.Frozen;
using Grpc.Reflection;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using Sidecar.Background;
using Sidecar.Downloads;
using Sidecar.Draining;
using Sidecar.Hosting.Configuration;
using Sidecar.Hosting.Listening;
using Sidecar.Hosting.Probes;
using Sidecar.Hosting.StatusPage;
using Sidecar.Import;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Ingest;
using Sidecar.Ingest.Core;
using Sidecar.Peers;
using Sidecar.Peers.Transfer;
using Sidecar.Routing;
using Sidecar.Routing.Outputs;
using Sidecar.Rpc;
using Sidecar.Rpc.Calls;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Stores;
using Sidecar.Stores.Writing;
using Sidecar.Telemetry;

namespace Sidecar.Hosting;

/// <summary>Composition: every slice is added here, and nowhere else.</summary>
internal static class SidecarHost
{
    private const int HealthMessageBytes = 4 << 10;

    // Lines of the log that tell of a refusal or a failure without being warnings: callers cause them.
    private static readonly FrozenSet<int> Refusals =
        FrozenSet.Create(CallLog.RefusedEvent, ImportLog.ImportEndedEvent);

    public static WebApplication Build(string[] args)
    {
        // The empty builder reads no file and watches no directory; the content root would be the current directory.
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ApplicationName = "Sidecar", ContentRootPath = AppContext.BaseDirectory });
        SidecarConfiguration.AddTo(builder.Configuration, args);
        AddLogging(builder);
        AddHosting(builder);
        builder.Services.AddStaging(builder.Configuration);
        builder.Services.AddImports();
        builder.Services.AddPeerRouting();
        builder.Services.AddPeers(builder.Configuration);
        builder.Services.AddDraining();
        builder.Services.AddStores();
        builder.Services.AddDownloads();
        builder.Services.AddIngest();
        builder.Services.AddRpc(builder.Configuration);
        var app = builder.Build();
        app.UseIngest();
        app.UseRouting();
        app.UseMiddleware<LateFrames>();
        app.UseListenerRoles();
        app.UseMiddleware<CallEntry>();
        app.MapApi();
        app.MapOps();
        return app;
    }

    /// <summary>Opens the staging area, then listens until told to stop.</summary>
    public static async Task RunAsync(WebApplication app)
    {
        // Settings first: nothing is created or locked for a start that they will stop.
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        // Before the first call can arrive: what an earlier process left is listed again, or the start fails.
        app.Services.StartTelemetry();
        var area = app.Services.GetRequiredService<StagingArea>();
        app.Services.GetRequiredService<StagingMetrics>().Begin();
        _ = app.Services.GetRequiredService<StagingGauges>();
        _ = app.Services.GetRequiredService<PeersMetrics>();
        _ = app.Services.GetRequiredService<HostingMetrics>();
        app.Services.GetRequiredService<TransferMetrics>().Observe(area);
        await app.Services.GetRequiredService<ImportQueue>().RecoverAsync(CancellationToken.None);
        await app.Services.GetRequiredService<FetchedOutputs>().RecoverAsync();
        app.Services.GetRequiredService<StoreWrites>().Recover();
        await app.StartAsync();
        var options = app.Services.GetRequiredService<IOptions<HostingOptions>>().Value;
        Listeners.ShareSocket(Listeners.SocketPath(options));
        var ingest = app.Services.GetRequiredService<IOptions<IngestOptions>>().Value;
        if (ingest.OnSocket) Listeners.ShareSocket(ingest.Address);
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        HostingLog.Listening(app.Logger, SidecarVersion.Text, string.Join(", ", addresses));
        await app.WaitForShutdownAsync();
    }

    internal static void AddLogging(WebApplicationBuilder builder)
    {
        var levels = new LogLevels();
        ((IConfigurationBuilder)builder.Configuration).Add(levels); // last, so that a change while it runs wins
        builder.Services.AddSingleton(_ => levels);
        // Before the configuration: of two rules for one category the later one counts.
        foreach (var (category, level) in LogLevels.BuiltIn.Where(level => level.Key != LogLevels.Everything))
        {
            builder.Logging.AddFilter(category, level);
        }

        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Services.AddSingleton<ConsoleFormatter, JsonLineFormatter>()
            .AddSingleton<ConsoleFormatter, TerminalFormatter>();
        builder.Logging.AddConsole(console => console.FormatterName =
            Console.IsOutputRedirected ? JsonLineFormatter.FormatterName : TerminalFormatter.FormatterName);
    }

    private static void AddHosting(WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<HostingOptions>()
            .Bind(
                builder.Configuration.GetSection(HostingOptions.Section),
                binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<HostingOptions>, HostingOptionsValidator>();
        services.AddOptions<HostOptions>().Configure<IOptions<HostingOptions>>(
            (host, hosting) => host.ShutdownTimeout = hosting.Value.DrainTimeout);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<SignalLifetime>();
        services.Replace(ServiceDescriptor.Singleton<IHostLifetime>(
            provider => provider.GetRequiredService<SignalLifetime>()));
        services.AddMetrics();
        services.AddTelemetry(
            provider => provider.GetRequiredService<IOptions<StagingOptions>>().Value.PodName);
        services.AddSingleton<LoopHealth>();
        services.AddSingleton<HostingMetrics>().AddSingleton<Readiness>().AddSingleton<StatusReporter>();
        services.AddSingleton(provider => new RecentProblems(provider.GetRequiredService<TimeProvider>(), Refusals));
        services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<RecentProblems>());
        services.AddSingleton<HealthService>();
        // Anybody may ask it, and nobody has more to say than the name of a service.
        services.AddGrpc().AddServiceOptions<HealthService>(health => health.MaxReceiveMessageSize = HealthMessageBytes);
        services.AddSingleton<HealthStatus>();
        services.AddHostedService(provider => provider.GetRequiredService<HealthStatus>());
        services.AddHostedService<ShutdownSequence>();
        services.AddHostedService<Janitor>();
        services.AddSingleton<AuthorityEncoding>();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseSockets(Listeners.ConfigureTransport);
        services.AddSingleton<Listeners>().AddSingleton<DescriptorBudget>().AddSingleton<SocketTransportFactory>();
        services.Replace(ServiceDescriptor.Singleton<IConnectionListenerFactory, BudgetedTransport>());
        services.AddSingleton<LargeBlockPoolFactory>();
        services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>>(
            provider => provider.GetRequiredService<LargeBlockPoolFactory>()));
        services.AddHostedService<MemoryReturn>();
        services.AddOptions<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions>()
            .Configure<Listeners>((kestrel, listeners) => listeners.Configure(kestrel))
            .Configure<AuthorityEncoding>(
                (kestrel, authority) =>
                {
                    kestrel.RequestHeaderEncodingSelector = authority.Select;
                    kestrel.ResponseHeaderEncodingSelector = _ => System.Text.Encoding.Latin1; // as Glance sent it
                });
    }

    private static void MapApi(this WebApplication app)
    {
        // Peers speak the same API; what is not for them refuses them by name.
        var both = new ReachedThrough(ListenerRole.Local, ListenerRole.Peer);
        app.MapGrpcService<StagingService>().WithMetadata(both);
        app.MapGrpcService<ImportsService>().WithMetadata(both);
        app.MapGrpcService<PeersService>().WithMetadata(both);
        app.MapGrpcService<StoresService>().WithMetadata(both);
        app.MapGrpcService<OperationsService>().WithMetadata(both);
        // What a URL leads to is this pod's network, where no peer has business.
        app.MapGrpcService<DownloadsService>().WithMetadata(new ReachedThrough(ListenerRole.Local));
        app.MapGrpcService<HealthService>().WithMetadata(
            new ReachedThrough(ListenerRole.Local, ListenerRole.Peer, ListenerRole.Health));
        app.MapGrpcService<ReflectionServiceImpl>().WithMetadata(new ReachedThrough(ListenerRole.Local));
        app.MapGrpcService<ReflectionV1ServiceImpl>().WithMetadata(new ReachedThrough(ListenerRole.Local));
    }

    /// <summary>
    /// Before anything else, and whatever the path: of the ingest listener no request reaches the API, and of no other listener one
    /// reaches the ingest.
    /// </summary>
    private static void UseIngest(this WebApplication app) =>
        app.MapWhen(context => context.Features.Get<ListenerMark>()?.Role == ListenerRole.Ingest, users =>
        {
            users.UseMiddleware<LateFrames>();
            users.Run(context => context.RequestServices.GetRequiredService<IngestEndpoint>().InvokeAsync(context));
        });

    /// <summary>An endpoint is reached through its own listener only; elsewhere it does not exist.</summary>
    private static void UseListenerRoles(this WebApplication app) => app.Use((context, next) =>
    {
        var wanted = context.GetEndpoint()?.Metadata.GetMetadata<ReachedThrough>();
        var actual = context.Features.Get<ListenerMark>();
        if (wanted is null || (actual is not null && wanted.Roles.Contains(actual.Role))) return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });
}
