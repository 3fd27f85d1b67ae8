using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Grpc.Testing;

namespace Grpc.InteropServer;

/// <summary>Changes the server's health at a test's word.</summary>
internal sealed class HealthSwitch(HealthServiceImpl health) : XdsUpdateHealthService.XdsUpdateHealthServiceBase
{
    public override Task<Empty> SetServing(Empty request, ServerCallContext context) =>
        Set(HealthCheckResponse.Types.ServingStatus.Serving);

    public override Task<Empty> SetNotServing(Empty request, ServerCallContext context) =>
        Set(HealthCheckResponse.Types.ServingStatus.NotServing);

    private Task<Empty> Set(HealthCheckResponse.Types.ServingStatus status)
    {
        health.SetStatus("", status);
        return Task.FromResult(new Empty());
    }
}
