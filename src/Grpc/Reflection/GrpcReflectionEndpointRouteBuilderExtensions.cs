using Grpc.Reflection;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps server reflection, with which tools such as grpcurl find their way.</summary>
public static class GrpcReflectionEndpointRouteBuilderExtensions
{
    /// <summary>Maps reflection v1 and v1alpha; they describe every service that this server maps.</summary>
    public static IEndpointConventionBuilder MapGrpcReflectionService(this IEndpointRouteBuilder builder)
    {
        var v1 = builder.MapGrpcService<ReflectionService>();
        var alpha = builder.MapGrpcService<AlphaReflectionService>();
        return new GrpcServiceEndpointConventionBuilder([v1, alpha]);
    }
}
