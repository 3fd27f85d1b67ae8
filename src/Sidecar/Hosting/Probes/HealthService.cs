using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;

namespace Sidecar.Hosting.Probes;

/// <summary>The standard health service, whose watches end when the process stops: they must not hold up its end.</summary>
internal sealed class HealthService(IHostApplicationLifetime lifetime) : HealthServiceImpl
{
    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        try
        {
            await base.Watch(request, responseStream, context).WaitAsync(lifetime.ApplicationStopping);
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The server is stopping."));
        }
    }
}
