using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>What <c>AddGrpc</c> returns, so that a chained call means the same as with the official package.</summary>
public interface IGrpcServerBuilder
{
    IServiceCollection Services { get; }
}
