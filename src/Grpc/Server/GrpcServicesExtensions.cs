using Grpc.AspNetCore.Server;
using Grpc.Server;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers what gRPC services need.</summary>
public static class GrpcServicesExtensions
{
    /// <summary>Call it before <c>MapGrpcService</c>.</summary>
    public static IGrpcServerBuilder AddGrpc(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddRouting();
        services.AddOptions<GrpcServiceOptions>();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<MappedServices>();
        return new Builder(services);
    }

    /// <summary>As the shorter overload, with options for every service.</summary>
    public static IGrpcServerBuilder AddGrpc(
        this IServiceCollection services,
        Action<GrpcServiceOptions> configureOptions)
    {
        ArgumentNullException.ThrowIfNull(configureOptions);
        var builder = services.AddGrpc();
        services.Configure(configureOptions);
        return builder;
    }

    private sealed record Builder(IServiceCollection Services) : IGrpcServerBuilder;
}
