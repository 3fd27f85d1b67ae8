using Grpc.AspNetCore.Server;
using Grpc.Server;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers what gRPC services need.</summary>
public static class GrpcServicesExtensions
{
    /// <summary>Call once per server, before <c>MapGrpcService</c>.</summary>
    public static IServiceCollection AddGrpc(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddRouting();
        services.AddOptions<GrpcServiceOptions>();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<MappedServices>();
        return services;
    }

    /// <summary>As the shorter overload, with options for every service.</summary>
    public static IServiceCollection AddGrpc(
        this IServiceCollection services,
        Action<GrpcServiceOptions> configureOptions) => services.AddGrpc().Configure(configureOptions);
}
