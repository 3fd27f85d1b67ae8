using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Grpc.Server;

/// <summary>For calls that last as long as their client likes: they must not hold up the server's own end.</summary>
internal static class ServerStopping
{
    /// <summary>Fires when the call is cancelled or the server begins to stop.</summary>
    public static CancellationTokenSource Link(ServerCallContext context)
    {
        var lifetime = context is ServerCall call
            ? call.Http.RequestServices.GetService<IHostApplicationLifetime>()
            : null;
        return CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime?.ApplicationStopping ?? CancellationToken.None);
    }
}
