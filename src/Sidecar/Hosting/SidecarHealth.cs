using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;

namespace Sidecar.Hosting;

/// <summary>The standard health service, whose watchers do not hold up the end of the process.</summary>
internal sealed class SidecarHealth(IHostApplicationLifetime lifetime) : HealthServiceImpl
{
    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        var stopping = new TaskCompletionSource();
        await using var registration = lifetime.ApplicationStopping.Register(stopping.SetResult);
        var watch = base.Watch(request, responseStream, context);
        if (await Task.WhenAny(watch, stopping.Task) == watch)
        {
            await watch;
            return;
        }

        throw new RpcException(new Status(StatusCode.Unavailable, "The sidecar is stopping."));
    }
}
