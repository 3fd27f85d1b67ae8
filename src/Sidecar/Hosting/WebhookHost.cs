using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Sidecar.Background;
using Sidecar.Hosting.Configuration;
using Sidecar.Telemetry;
using Sidecar.Webhook;
using Sidecar.Webhook.Core;
using Sidecar.Webhook.Injecting;

namespace Sidecar.Hosting;

/// <summary>
/// The mode in which this program is the admission webhook that puts sidecars into pods, and nothing else: two listeners, one for
/// API servers with TLS, one for the kubelet and Prometheus.
/// </summary>
internal static class WebhookHost
{
    public const string Mode = "webhook";

    private const int OpsConnections = 32;

    // Deletions of a pod reach the last API server within seconds; what it asks by then is answered.
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);

    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ApplicationName = "Sidecar", ContentRootPath = AppContext.BaseDirectory });
        SidecarConfiguration.AddTo(builder.Configuration, args);
        SidecarHost.AddLogging(builder);
        builder.WebHost.UseKestrelCore(); // first: what configures it below needs what this gives the options
        AddServices(builder.Services);
        var app = builder.Build();
        app.UseRouting();
        app.Use(ByListener);
        app.MapPost(ReviewEndpoint.Path, context => context.RequestServices.GetRequiredService<ReviewEndpoint>().AnswerAsync(context))
            .WithMetadata(new OverTls());
        app.MapGet("/healthz", context => context.Response.WriteAsync("ok\n", context.RequestAborted));
        app.MapGet("/readyz", WriteReadiness);
        app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]));
        return app;
    }

    public static async Task RunAsync(WebApplication app)
    {
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        app.Services.StartTelemetry();
        _ = app.Services.GetRequiredService<PodInjection>();
        _ = app.Services.GetRequiredService<WebhookMetrics>();
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        WebhookLog.Listening(app.Logger, SidecarVersion.Text, string.Join(", ", addresses));
        await app.WaitForShutdownAsync();
    }

    private static void AddServices(IServiceCollection services)
    {
        services.AddRoutingCore().AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<SignalLifetime>();
        services.Replace(ServiceDescriptor.Singleton<IHostLifetime>(provider => provider.GetRequiredService<SignalLifetime>()));
        services.AddOptions<HostOptions>().Configure(host => host.ShutdownTimeout = ShutdownTimeout);
        services.AddTelemetry(_ => Environment.MachineName);
        services.AddSingleton<LoopHealth>();
        services.AddSingleton(provider => new RecentProblems(provider.GetRequiredService<TimeProvider>(), new HashSet<int>()));
        services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<RecentProblems>());
        services.AddWebhook();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<WebhookOptions>, ServingCertificate>(Listen);
    }

    private static void Listen(KestrelServerOptions kestrel, IOptions<WebhookOptions> options, ServingCertificate certificate)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = null; // each listener has a limit of its own
        kestrel.Limits.MaxRequestBodySize = ReviewEndpoint.MostBytes;
        kestrel.Listen(Parse(options.Value.Address), listener =>
        {
            Limit(listener, options.Value.MaxConnections); // before the handshake: what is closed must have cost nothing
            listener.UseHttps(Tls(certificate));
        });
        kestrel.Listen(Parse(options.Value.OpsAddress), listener =>
        {
            listener.Protocols = HttpProtocols.Http1;
            Limit(listener, OpsConnections);
        });
    }

    private static void Limit(ListenOptions listener, int most)
    {
        var connections = new NewestConnections(most);
        listener.Use(next => connection => connections.RunAsync(connection, next));
    }

    private static TlsHandshakeCallbackOptions Tls(ServingCertificate certificate) => new()
    {
        HandshakeTimeout = TimeSpan.FromSeconds(10),
        // Asked for each handshake, so that a renewed certificate is shown from then on.
        OnConnection = _ => new(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Current,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        }),
    };

    private static IPEndPoint Parse(string address) =>
        IPEndPoint.TryParse(address.Replace("*", Socket.OSSupportsIPv6 ? "[::]" : "0.0.0.0", StringComparison.Ordinal), out var endPoint)
            ? endPoint
            : throw new ConfigurationException($"'{address}' is not an address and port; allowed: for example *:9443, port 0 to 65535.");

    // API servers are answered with TLS only, and whoever can reach the port for them finds nothing else there.
    private static Task ByListener(HttpContext context, RequestDelegate next)
    {
        var isReview = context.GetEndpoint()?.Metadata.GetMetadata<OverTls>() is not null;
        if (isReview == context.Request.IsHttps) return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static Task WriteReadiness(HttpContext context)
    {
        var failing = context.RequestServices.GetRequiredService<LoopHealth>().Failing;
        context.Response.StatusCode = failing.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync(failing.Count == 0 ? "ready\n" : $"{failing[0].Name} fails\n", context.RequestAborted);
    }

    private sealed record OverTls;
}
