using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Server;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps gRPC services to endpoints.</summary>
public static class GrpcEndpointRouteBuilderExtensions
{
    internal const DynamicallyAccessedMemberTypes ServiceMembers =
        DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.PublicMethods
        | DynamicallyAccessedMemberTypes.NonPublicMethods;

    /// <summary>
    /// Maps every method of the service. A service that is registered in the container is taken from there (so a
    /// singleton stays one), any other is made anew for each call and disposed after it.
    /// </summary>
    /// <exception cref="InvalidOperationException">AddGrpc was not called, or the type has no
    /// <c>BindServiceMethod</c> attribute on itself or a base type.</exception>
    public static GrpcServiceEndpointConventionBuilder MapGrpcService<
        [DynamicallyAccessedMembers(ServiceMembers)] TService>(this IEndpointRouteBuilder builder)
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.ServiceProvider.GetService<MappedServices>()
            ?? throw new InvalidOperationException("Call services.AddGrpc() before mapping gRPC services.");
        var descriptor = ServiceBinding.Descriptor(typeof(TService));
        List<IEndpointConventionBuilder> endpoints = [];
        ServiceBinding.Bind(new ServiceBinder<TService>(
            new ServiceActivator<TService>(),
            (method, info, invoke) => endpoints.Add(
                Map(builder, services, invoke, info, new GrpcMethodMetadata(typeof(TService), method, descriptor)))));
        services.MapRest(builder);
        return new GrpcServiceEndpointConventionBuilder(endpoints);
    }

    private static IEndpointConventionBuilder Map(
        IEndpointRouteBuilder builder,
        MappedServices services,
        Func<ServerCall, Task> invoke,
        MethodInfo info,
        GrpcMethodMetadata metadata)
    {
        var method = metadata.Method;
        services.Add(method.ServiceName);
        ServerLog.Mapped(services.Settings.Log, method.FullName);
        object[] attributes = [.. metadata.ServiceType.GetCustomAttributes(true), .. info.GetCustomAttributes(true)];
        var handler = new CallHandler(method, services.Settings, invoke);
        return builder
            .Map(RoutePatternFactory.Parse(method.FullName), handler.HandleAsync)
            .WithDisplayName("gRPC - " + method.FullName)
            .WithMetadata([.. attributes, metadata]);
    }
}
