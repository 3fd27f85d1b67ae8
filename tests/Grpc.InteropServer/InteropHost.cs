using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Grpc.InteropServer;

/// <summary>
/// The interop test server on loopback: <c>--port N</c> (0 for any), <c>--tls-cert FILE --tls-key FILE</c> (PEM).
/// </summary>
public static class InteropHost
{
    public static WebApplication Create(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelHttpsConfiguration();
        var port = builder.Configuration.GetValue("port", 0);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, port, listen => Listen(listen, builder.Configuration)));
        builder.Services.AddGrpc();
        builder.Services.AddGrpcReflection();
        builder.Services.AddSingleton<HealthServiceImpl>();
        var app = builder.Build();
        Map(app);
        return app;
    }

    public static int Port(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return new Uri(app.Urls.Single()).Port;
    }

    private static void Listen(ListenOptions listen, ConfigurationManager configuration)
    {
        listen.Protocols = HttpProtocols.Http2;
        if (configuration["tls-cert"] is { } certificate)
            listen.UseHttps(X509Certificate2.CreateFromPemFile(certificate, configuration["tls-key"]));
    }

    private static void Map(WebApplication app)
    {
        app.Services.GetRequiredService<HealthServiceImpl>()
            .SetStatus("", HealthCheckResponse.Types.ServingStatus.Serving);
        app.MapGrpcService<TestServiceHandler>();
        app.MapGrpcService<HealthSwitch>();
        app.MapGrpcService<HealthServiceImpl>();
        app.MapGrpcReflectionService();
    }
}
