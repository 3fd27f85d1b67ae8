using System.Diagnostics.CodeAnalysis;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Server;

namespace Grpc.HealthCheck;

/// <summary>
/// The standard health service. Register one as a singleton, map it, and tell it the status of each service by name;
/// the empty name is the server as a whole, which is unknown until told like any other.
/// </summary>
[SuppressMessage("Naming", "CA1711", Justification = "the official name")]
public class HealthServiceImpl : Health.V1.Health.HealthBase
{
    // What List may answer at most, as the protocol has it.
    private const int MaxListed = 100;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, HealthCheckResponse.Types.ServingStatus> _statuses = [];
    private readonly HashSet<HealthWatch> _watches = [];

    /// <summary>Tells the watchers too, if it is news.</summary>
    public void SetStatus(string service, HealthCheckResponse.Types.ServingStatus status)
    {
        ArgumentNullException.ThrowIfNull(service);
        lock (_lock)
        {
            _statuses[service] = status;
            Tell(service, status);
        }
    }

    public void ClearStatus(string service)
    {
        ArgumentNullException.ThrowIfNull(service);
        lock (_lock)
        {
            _statuses.Remove(service);
            Tell(service, HealthCheckResponse.Types.ServingStatus.ServiceUnknown);
        }
    }

    public void ClearAll()
    {
        lock (_lock)
        {
            foreach (var service in _statuses.Keys)
                Tell(service, HealthCheckResponse.Types.ServingStatus.ServiceUnknown);

            _statuses.Clear();
        }
    }

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(request);
        lock (_lock)
        {
            return _statuses.TryGetValue(request.Service, out var status)
                ? Task.FromResult(new HealthCheckResponse { Status = status })
                : throw new RpcException(new Status(StatusCode.NotFound, $"'{request.Service}' is not known."));
        }
    }

    public override Task<HealthListResponse> List(HealthListRequest request, ServerCallContext context)
    {
        var response = new HealthListResponse();
        lock (_lock)
        {
            if (_statuses.Count > MaxListed)
                throw new RpcException(new Status(StatusCode.ResourceExhausted, "There are too many services to list."));

            foreach (var (service, status) in _statuses)
                response.Statuses.Add(service, new HealthCheckResponse { Status = status });
        }

        return Task.FromResult(response);
    }

    public override async Task Watch(
        HealthCheckRequest request,
        IServerStreamWriter<HealthCheckResponse> responseStream,
        ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(responseStream);
        ArgumentNullException.ThrowIfNull(context);
        var watch = Open(request.Service);
        using var ending = ServerStopping.Link(context);
        try
        {
            await foreach (var status in watch.ReadAllAsync(ending.Token))
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status });
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The server is stopping."));
        }
        finally
        {
            lock (_lock)
                _watches.Remove(watch);
        }
    }

    private HealthWatch Open(string service)
    {
        var watch = new HealthWatch(service);
        lock (_lock)
        {
            _watches.Add(watch);
            watch.Tell(_statuses.GetValueOrDefault(
                service, HealthCheckResponse.Types.ServingStatus.ServiceUnknown));
        }

        return watch;
    }

    private void Tell(string service, HealthCheckResponse.Types.ServingStatus status)
    {
        foreach (var watch in _watches)
        {
            if (watch.Service == service)
                watch.Tell(status);
        }
    }
}
