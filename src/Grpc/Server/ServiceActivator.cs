using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.Server;

/// <summary>Gives each call its service object: the container's when registered, one of its own otherwise.</summary>
internal sealed class ServiceActivator<
    [DynamicallyAccessedMembers(GrpcEndpointRouteBuilderExtensions.ServiceMembers)] TService>
    where TService : class
{
    private readonly Lazy<ObjectFactory<TService>> _factory = new(() => ActivatorUtilities.CreateFactory<TService>([]));

    public Lease Activate(IServiceProvider services) => services.GetService<TService>() is { } registered
        ? new Lease(registered, owned: false)
        : new Lease(_factory.Value(services, []), owned: true);

    /// <summary>A service object for one call; disposed with it when it was made for it.</summary>
    internal readonly struct Lease(TService service, bool owned)
    {
        public TService Service => service;

        public async ValueTask ReleaseAsync()
        {
            if (!owned)
                return;

            if (service is IAsyncDisposable asyncDisposable)
                await asyncDisposable.DisposeAsync();
            else if (service is IDisposable disposable)
                disposable.Dispose();
        }
    }
}
